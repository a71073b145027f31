"""From a GP's referral to a measured outcome in every locality, with services killed on the way."""

from collections import Counter
from typing import Any

from shared.contract.events.vocabulary import Instrument, Stage
from tests.harness.journey import reconcile
from tests.harness.journey.adventures import Travelled, dialled
from tests.harness.journey.system import System, until
from tests.harness.journey.topics import log_of
from tests.harness.journey.travel import AFTER, BEFORE, MATCHING, REFERRALS, read_link

FUNNEL = ("referred", "booked", "met", "planned", "accepted", "visited")
SEEN_BY_PRACTICE = ("meeting_booked", "meeting_attended", "activity_started", "referral_closed")


async def test_everybody_came_to_a_first_visit(system: System, travelled: Travelled) -> None:
    real = {locality.slug for locality in system.localities.real}
    assert {journey.locality for journey in travelled.journeys} == real
    assert set(travelled.stages_midway.values()) == {"started"}
    found = reconcile.stories(await log_of(system.kafka, system.localities.slugs), system.localities)
    for journey in travelled.journeys:
        story = found[journey.referral]
        assert story.first_visit is not None
        assert [meeting.status for meeting in story.meetings] == ["attended"]
        assert story.plan is not None
        assert len(story.plan.goals) == 1 or story.plan.revision > 1
        assert [one.prescribed.service_id for one in story.prescriptions] == [journey.service]
        measured = {stage: told.scores for (_, stage), (told, _) in story.measured.items()}
        assert measured == {Stage.BEFORE: BEFORE, Stage.AFTER: AFTER}
        assert (Instrument.ONS4, Stage.AFTER) in story.measured
        assert [ending.reason for ending in story.endings] == ["completed"]


async def test_nothing_was_lost_and_nothing_doubled(system: System, travelled: Travelled) -> None:
    log = await log_of(system.kafka, system.localities.slugs)
    found = reconcile.stories(log, system.localities)
    reconcile.one_creation_each(log, system.accepted)
    reconcile.one_meeting_each(found)
    reconcile.no_time_twice(found)
    reconcile.same_id_same_words(log)
    partners = found[travelled.partners_referral]
    assert len(partners.meetings) == 1
    assert len(partners.contacts) == 1


async def test_every_service_tells_the_same_story(system: System, travelled: Travelled) -> None:
    for journey in travelled.journeys:
        referrer = system.referrer(journey.referrer_of)
        shown = await _closed(system, f"{REFERRALS}/{journey.referral}", referrer)
        told = Counter(happening["kind"] for happening in shown["history"])
        assert {told[kind] for kind in SEEN_BY_PRACTICE} == {1}, told
        case = await _closed(system, f"{MATCHING}/referrals/{journey.referral}", journey.link_worker)
        assert not case["open"]


async def _closed(system: System, address: str, caller: str) -> dict[str, Any]:
    """The referral as a service shows it, once the end has arrived there."""

    async def told() -> dict[str, Any] | None:
        found: dict[str, Any] = await system.done("GET", address, caller)
        return found if found["stage"] == "closed" else None

    found: dict[str, Any] = await until(told, "the end of the referral")
    return found


async def test_each_message_was_sent_once(system: System, travelled: Travelled) -> None:
    sent = await system.mailbox()
    for journey in travelled.journeys:
        number = dialled(journey.who.body["telephone"])
        texts = [m for m in sent if m["channel"] == "sms" and dialled(m["to"]) == number]
        kinds = Counter("reminder" if "reminder" in text["text"] else "booked" for text in texts)
        assert kinds["booked"] == 1
        assert kinds["reminder"] == int(journey in travelled.reminded)
        mails = Counter(m["subject"].partition(":")[0] for m in sent if journey.referral in m["text"])
        assert mails == Counter({"Appointment booked": 2})
        asking = [m for m in sent if "/s/" in m["text"] and journey.prescription in read_link(m["text"])[1]]
        assert len(asking) == 1
        assert await _ledger(system, journey.referral) == {
            "booked": 3,
            "asked": 1,
            **({"reminder": 1} if kinds["reminder"] else {}),
        }


async def _ledger(system: System, referral: str) -> dict[str, int]:
    """The number of sent messages of each kind, by the ledger."""
    found = await system.done("GET", f"/api/notifications/v1/referrals/{referral}/messages", "admin")
    return dict(Counter(one["template"] for one in found["messages"] if one["status"] == "sent"))


async def test_figures_show_it(system: System, travelled: Travelled) -> None:
    before = travelled.figures_before

    async def complete() -> dict[str, dict[str, Any]] | None:
        now = await system.figures()
        answered = now["programme"]["follow_up"]["answered"] - before["programme"]["follow_up"]["answered"]
        return now if answered >= len(travelled.journeys) else None

    now = await until(complete, "figures of everybody")
    for slug in (locality.slug for locality in system.localities.real):
        grown = _grown(before[slug], now[slug])
        partners = int(slug == "leek-werrington")
        assert [grown[step] for step in FUNNEL] == [1 + partners, 1 + partners, 1, 1, 1, 1], slug
        assert now[slug]["follow_up"]["answered"] - before[slug]["follow_up"]["answered"] == 1
        assert {_people(now[slug], item) - _people(before[slug], item) for item in BEFORE} == {1}


def _people(place: dict[str, Any], item: str) -> int:
    """The number of people who answered this question twice."""
    return next(int(one["people"]) for one in place["wellbeing"] if one["code"] == item)


def _grown(before: dict[str, Any], now: dict[str, Any]) -> dict[str, int]:
    start = {step["code"]: step["people"] for step in before["journey"]}
    return {step["code"]: step["people"] - start[step["code"]] for step in now["journey"]}
