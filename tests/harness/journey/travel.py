"""The chapters of one person's journey over HTTP, each by the person or program that does it in life."""

import re
from base64 import b32decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from shared.platform.clock import LONDON
from tests.harness.journey.people import Person, somebody
from tests.harness.journey.system import System, until
from tests.harness.web.forms import PAGE, send_form

REFERRALS = "/api/referral/v1/referrals"
MATCHING = "/api/matching/v1"
BEFORE = {"satisfied": 3, "worthwhile": 4, "happy": 2, "anxious": 8}
AFTER = {"satisfied": 6, "worthwhile": 6, "happy": 5, "anxious": 4}


@dataclass
class Journey:
    """A person on the way, and the facts known of them so far."""

    locality: str
    who: Person
    referral: str = ""
    meeting: Mapping[str, Any] = field(default_factory=dict)
    need: str = ""
    service: str = ""
    prescription: str = ""
    link: str = ""

    @property
    def referrer_of(self) -> str:
        return self.who.practice.ods

    @property
    def link_worker(self) -> str:
        """The link worker of the referral, who signs in under the same name."""
        return str(self.meeting["link_worker"])


def today(system: System) -> date:
    return system.clock().astimezone(LONDON).date()


def starts(journey: Journey) -> datetime:
    """The start of the meeting."""
    return datetime.fromisoformat(journey.meeting["starts_at"])


def day(system: System, after: int) -> str:
    """A day this many days from today, in London."""
    return (today(system) + timedelta(days=after)).isoformat()


async def refer(system: System, locality: str, **different: Any) -> Journey:
    """Refers a person from a practice, and repeats the request as if the answer had been lost."""
    practice = system.localities.by_slug[locality].practices[0]
    journey = Journey(locality, somebody(practice, system.localities, **different))
    user, key = system.referrer(practice.ods), f"journey-{journey.who.body['nhs_number'][-6:]}"
    first = await system.call("POST", REFERRALS, user, dict(journey.who.body), key)
    assert first.status_code == 201, first.text
    journey.referral = first.json()["id"]
    assert first.headers["location"] == f"{REFERRALS}/{journey.referral}"
    system.accepted.add(journey.referral)
    again = await system.call("POST", REFERRALS, user, dict(journey.who.body), key)
    assert (again.status_code, again.json()["id"]) == (201, journey.referral)
    return journey


async def booked(system: System, journey: Journey) -> None:
    """Waits until the practice sees day, time and link worker, without any action."""

    async def meeting() -> Any:
        shown = await system.done("GET", f"{REFERRALS}/{journey.referral}", _referrer(system, journey))
        return shown["meeting"]

    journey.meeting = await until(meeting, f"a meeting in {journey.locality}")
    assert journey.meeting["practice"] == journey.who.practice.ods


async def meet(system: System, journey: Journey) -> None:
    """Records that the person came, with the plan and the first questionnaire."""
    body = {
        "meeting_id": journey.meeting["id"],
        "needs": ["debt", "befriending"],
        "what_matters": journey.who.what_matters,
        "goals": [
            {
                "need": "debt",
                "words": journey.who.goal,
                "importance": 9,
                "confidence": 3,
                "action": "gather_papers",
            }
        ],
        "ons4": BEFORE,
        "note": journey.who.note,
        "next_step": {"code": "ring", "on": day(system, 7)},
        "follow_up": "yes",
    }
    done = await system.done("POST", _case(journey, "plan"), journey.link_worker, body)
    assert done["case"]["stage"] == "met"
    assert {"meeting_attended", "plan_agreed", "measured"} <= {fact["kind"] for fact in done["said"]}


async def prescribe(system: System, journey: Journey) -> None:
    """Prescribes the first suitable service that can be asked. Records an unmet need if there is none."""
    for need in ("debt", "befriending"):
        found = await system.done("GET", _case(journey, "services"), journey.link_worker, need=need)
        suitable = [one for one in found["services"] if one["suitable"] and one["can_be_asked"]]
        if suitable:
            break
        unmet = {"need": need, "reason": "no_service"}
        await system.done("POST", _case(journey, "unmet-needs"), journey.link_worker, unmet)
    else:
        raise AssertionError(f"nothing suitable in {journey.locality}")
    assert all(one["why"] and one["sentences"] for one in suitable)
    journey.need, journey.service = need, suitable[0]["service"]["service"]["id"]
    step = {"code": "check_first_visit", "on": day(system, 10)}
    body = {"service_id": journey.service, "need": need, "may_share": "yes", "next_step": step}
    done = await system.done("POST", _case(journey, "prescriptions"), journey.link_worker, body)
    (said,) = [fact for fact in done["said"] if fact["kind"] == "service_prescribed"]
    journey.prescription = said["detail"]["prescription_id"]


async def plan_ahead(system: System, journey: Journey) -> None:
    """Plans a next step that is ahead again, after time has passed."""
    body = {"next_step": {"code": "ring", "on": day(system, 10)}}
    await system.done("POST", _case(journey, "next-step"), journey.link_worker, body)


def read_link(text: str) -> tuple[str, list[str]]:
    """The one-tap link in a mail, as a path, and the text that every reader of the mail sees."""
    (token,) = re.findall(r"/s/([\w.-]+)", text)
    said = b32decode(token.upper() + "=" * (-len(token) % 8))
    return f"/s/{token}", [str(UUID(bytes=said[start : start + 16])) for start in (1, 17)]


async def asked(system: System, journey: Journey) -> None:
    """Waits for the mail to the service."""

    async def link() -> str | None:
        for message in await system.mailbox():
            if message["subject"].startswith("Can you take somebody?"):
                path, said = read_link(message["text"])
                if journey.prescription in said:
                    return path
        return None

    journey.link = await until(link, f"the mail to the service in {journey.locality}", 120)


async def answer(system: System, journey: Journey) -> None:
    """Answers yes through the service's link. Opening the link changes nothing, nor does a second yes."""
    async with browser(system) as service:
        for _ in range(2):
            page = await service.get(journey.link)
            assert page.is_success, page.text
            assert not [text for text in journey.who.private() if text in page.text]
        for expected in ("Can you help this person?", "You said yes"):
            assert expected in (await service.get(journey.link)).text
            sent = await send_form(service, journey.link, f"{journey.link}/answer", {"reply": "accepted"})
            assert sent.status_code == 303, sent.text
        assert "You said yes" in (await service.get(journey.link)).text


async def first_visit(system: System, journey: Journey, *, said_by_service: bool) -> None:
    """Records the first visit: the service through its link, or else the link worker."""
    on = today(system)
    if said_by_service:
        async with browser(system) as service:
            parts = {"visited_on-day": on.day, "visited_on-month": on.month, "visited_on-year": on.year}
            sent = await send_form(
                service, journey.link, f"{journey.link}/visit", {"happened": "yes", **parts}
            )
            assert sent.status_code == 303, sent.text
        return
    step = {"code": "review", "on": day(system, 84)}
    body = {"on": on.isoformat(), "accompanied_by": "link_worker", "next_step": step}
    path = f"{MATCHING}/prescriptions/{journey.prescription}/started"
    await system.done("POST", path, journey.link_worker, body)


async def follow_up(system: System, journey: Journey) -> None:
    """Asks the same questions twelve weeks later, and closes the case."""
    body = {"ons4": AFTER, "ons4_stage": "after", "next_step": {"code": "close", "on": day(system, 1)}}
    await system.done("POST", _case(journey, "plan"), journey.link_worker, body)
    done = await system.done("POST", _case(journey, "close"), journey.link_worker, {"reason": "completed"})
    assert done["case"]["stage"] == "closed"


def browser(system: System) -> httpx.AsyncClient:
    """A browser without a window. Its addresses are noted."""
    return httpx.AsyncClient(
        base_url=system.url, headers=PAGE, timeout=30, trust_env=False, event_hooks=system.http.event_hooks
    )


def _case(journey: Journey, what: str) -> str:
    return f"{MATCHING}/referrals/{journey.referral}/{what}"


def _referrer(system: System, journey: Journey) -> str:
    return system.referrer(journey.referrer_of)
