"""One person's journey where booking, casework and directory belong to others.

Our other services notice no difference but the names: what they show, send and count is compared with the
journey in the same locality before, when all parts were ours.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from tests.harness.journey.adventures import Travelled, dialled
from tests.harness.journey.elsewhere import NAMES, Elsewhere, owned_elsewhere
from tests.harness.journey.system import System, monday_morning, until
from tests.harness.journey.topics import log_of
from tests.harness.journey.travel import REFERRALS, Journey

HERE = "bentilee"
FUNNEL = ("referred", "booked", "met", "planned", "accepted", "visited")
OURS = {f"/{HERE}/{part}" for part in NAMES}
SHOWN = ("stage", "open", "urgency", "next", "meeting", "needs", "details_kept", "details_to_gp", "returned")


@dataclass
class Gone:
    """A journey under other owners, the one before under ours, and what stood in between.

    Attributes:
        figures: of the locality, before the second journey.
        said: how much each source had said there.
    """

    journey: Journey
    ours: Journey
    elsewhere: Elsewhere
    figures: dict[str, Any]
    said: Counter[str]


@pytest_asyncio.fixture(scope="module")
async def gone(system: System, travelled: Travelled) -> AsyncIterator[Gone]:
    ours = next(each for each in travelled.journeys if each.locality == HERE)
    system.clock.move_to(monday_morning(system.clock()))
    async with owned_elsewhere(system, HERE) as elsewhere:
        figures, said = (await system.figures())[HERE], await _said(system)
        yield Gone(await elsewhere.travel(), ours, elsewhere, figures, said)


async def _said(system: System) -> Counter[str]:
    log = await log_of(system.kafka, (HERE,))
    return Counter(event.source for event in log.said())


async def test_practice_follows_the_referral_as_ever(system: System, gone: Gone) -> None:
    shown, before = await _closed(system, gone.journey), await _closed(system, gone.ours)
    assert {name: shown[name] for name in SHOWN} == {name: before[name] for name in SHOWN}
    assert shown["person"]["name"] == gone.journey.who.name
    assert shown["plan"]["state"] == before["plan"]["state"]
    assert _kinds(shown) == _kinds(before)
    assert gone.journey.meeting["link_worker"] == gone.elsewhere.booking.link_worker


async def _closed(system: System, journey: Journey) -> dict[str, Any]:
    """The referral as its practice sees it, once its end has arrived there."""

    async def closed() -> dict[str, Any] | None:
        address = f"{REFERRALS}/{journey.referral}"
        found: dict[str, Any] = await system.done("GET", address, system.referrer(journey.referrer_of))
        return found if found["stage"] == "closed" else None

    found: dict[str, Any] = await until(closed, "the end of the referral")
    return found


def _kinds(shown: dict[str, Any]) -> Counter[str]:
    return Counter(happening["kind"] for happening in shown["history"])


async def test_everybody_is_told_once_as_ever(system: System, gone: Gone) -> None:
    journey, sent = gone.journey, await system.mailbox()
    link_worker = gone.elsewhere.casework.link_workers[gone.elsewhere.booking.link_worker]
    number = dialled(journey.who.body["telephone"])
    (text,) = [m["text"] for m in sent if m["channel"] == "sms" and dialled(m["to"]) == number]
    assert "your appointment is on" in text
    mails = [m for m in sent if journey.referral in m["text"]]
    assert {m["subject"].partition(":")[0] for m in mails} == {"Appointment booked"}
    assert {m["to"] for m in mails} == {link_worker["email"], journey.who.practice.mailbox}
    assert gone.elsewhere.directory.links == [journey.prescription]
    assert await _ledger(system, journey) == await _ledger(system, gone.ours)


async def _ledger(system: System, journey: Journey) -> Counter[tuple[str, ...]]:
    """The messages of a referral by the ledger, reminders aside: they depend on the day of the meeting."""
    address = f"/api/notifications/v1/referrals/{journey.referral}/messages"
    found = (await system.done("GET", address, "admin"))["messages"]
    about = ("template", "recipient", "status", "channel")
    return Counter(tuple(m[name] for name in about) for m in found if m["template"] != "reminder")


async def test_figures_count_the_journey_as_ever(system: System, gone: Gone) -> None:
    before = {step["code"]: step["people"] for step in gone.figures["journey"]}

    async def complete() -> dict[str, Any] | None:
        now = (await system.figures())[HERE]
        answered = now["follow_up"]["answered"] - gone.figures["follow_up"]["answered"]
        return now if answered == 1 else None

    now: dict[str, Any] = await until(complete, "the figures of the journey")
    grown = {step["code"]: step["people"] - before[step["code"]] for step in now["journey"]}
    assert [grown[step] for step in FUNNEL] == [1] * len(FUNNEL)


async def test_our_own_parts_say_nothing_there(system: System, gone: Gone) -> None:
    log = await log_of(system.kafka, (HERE,))
    names = {e.source for e in log.said() if e.body.referral_id == gone.journey.referral}
    assert names == {f"/{HERE}/{name}" for name in ("referral", *NAMES.values())}
    now = await _said(system)
    assert {source: now[source] for source in OURS} == {source: gone.said[source] for source in OURS}


async def test_each_owner_is_asked_for_what_is_its_own(gone: Gone) -> None:
    asked = {part: set(served.names()) for part, served in gone.elsewhere.served.items()}
    assert "readLinkWorker" in asked["casework"]
    assert {"readServiceMailbox", "makeOneTapLink"} <= asked["directory"]
