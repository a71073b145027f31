"""The whole journey of one person in each locality, with every fault that a real journey may meet."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import EventBody, ReferralAgreement, ReferralCreated
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import PARTS, topic
from shared.platform.clock import LONDON
from shared.platform.ids import new_id
from tests.harness.journey import reconcile
from tests.harness.journey import travel as chapter
from tests.harness.journey.system import System, monday_morning, until
from tests.harness.journey.topics import log_of, put, say, set_aside
from tests.harness.journey.travel import MATCHING, Journey

PARTNERS = "leek-werrington"
# Records of a careless producer. They may go no further than their topic.
UNREADABLE = "Zibblecombe Nanthwistle, 999 701 2345"


@dataclass
class Travelled:
    """The result. `figures_before` are the figures before the first referral."""

    journeys: list[Journey]
    figures_before: dict[str, dict[str, Any]]
    stages_midway: dict[str, str] = field(default_factory=dict)
    partners_referral: str = ""
    # People whose reminder fell due during the run.
    reminded: list[Journey] = field(default_factory=list)


async def travel(system: System) -> Travelled:
    """Runs every journey from the referral to the measured outcome."""
    system.clock.move_to(monday_morning(system.clock()))
    travelled = Travelled([], await system.figures())
    await _referred_while_matching_dies(system, travelled)
    await _trouble_on_the_bus(system, travelled)
    await _all_is_well(system, travelled)
    await _messages(system, travelled)
    await _met_while_the_vault_dies(system, travelled)
    await _asked_while_notifications_die(system, travelled)
    for number, journey in enumerate(travelled.journeys):
        await chapter.answer(system, journey)
        await chapter.first_visit(system, journey, said_by_service=number % 2 == 0)
    travelled.stages_midway = await _stages(system, travelled)
    system.clock.move_to(system.clock() + timedelta(weeks=12))
    await _each(travelled, lambda journey: chapter.follow_up(system, journey))
    return travelled


async def _each(travelled: Travelled, do: Callable[[Journey], Awaitable[None]]) -> None:
    await asyncio.gather(*(do(journey) for journey in travelled.journeys))


async def _referred_while_matching_dies(system: System, travelled: Travelled) -> None:
    """Refers people while matching is dead. No referral is lost."""
    slugs = [locality.slug for locality in system.localities.real]
    first = [asyncio.create_task(chapter.refer(system, slug)) for slug in slugs[:4]]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    system.kill("matching")
    travelled.journeys += await asyncio.gather(*first)
    travelled.journeys += await asyncio.gather(*(chapter.refer(system, slug) for slug in slugs[4:]))
    await system.answers("matching")
    await _each(travelled, lambda journey: chapter.booked(system, journey))


async def _trouble_on_the_bus(system: System, travelled: Travelled) -> None:
    """Publishes an unreadable record, repeated events, and a partner's events in the wrong order."""
    words, places = UNREADABLE.encode(), list[str]()
    for slug in (travelled.journeys[0].locality, travelled.journeys[1].locality):
        headers = [("ce_id", b"\xff\xfe\x00"), ("reply_to", b"linkwork.dead-letter.matching.v1")]
        places.append(await put(system.kafka, topic(slug, "outcome-recorded"), words, words, headers))
    log = await log_of(system.kafka, system.localities.slugs)
    for event in log.said()[::2]:
        await say(system.kafka, event)
        await say(system.kafka, event)
    travelled.partners_referral = referral = new_id()
    came_late = _created(referral, system.localities.by_slug[PARTNERS].practices[0].ods, system.clock())
    for body in (
        ContactAttempted(referral_id=referral, locality=PARTNERS, channel=v.Channel.PHONE, reached=True),
        came_late,
    ):
        await say(system.kafka, _by_partner(body, system.clock()))
        await asyncio.sleep(0.5)
    for place in places:
        await _dead_lettered(system, place)


def _created(referral: str, practice: str, now: datetime) -> ReferralCreated:
    return ReferralCreated(
        referral_id=referral,
        locality=PARTNERS,
        practice=practice,
        person_ref=new_id(),
        route=v.Route.COUNCIL,
        age_band=v.AgeBand.FROM_65,
        needs=(v.Need.BEFRIENDING,),
        agreement=ReferralAgreement(by=v.AgreedBy.PERSON, how=v.AgreedHow.PHONE, at=now),
        risk=v.Risk.NONE_KNOWN,
        contact=v.SafeToText.RING,
    )


def _by_partner(body: EventBody, now: datetime) -> Envelope:
    raw = body.model_dump_json(exclude_none=True).encode()
    return Envelope(new_id(), f"/{body.locality}/history", event_of(body), now, now, body, raw)


async def _dead_lettered(system: System, place: str) -> None:
    """Checks that each service has dead-lettered the unreadable record."""

    async def by_all() -> bool:
        return await set_aside(system.kafka, place) == dict.fromkeys(PARTS, "bad_header")

    await until(by_all, "dead letters of all parts")


async def _all_is_well(system: System, travelled: Travelled) -> None:
    """Checks that each person is booked once, whichever process died and whatever was repeated or late."""

    async def partners_meeting() -> bool:
        log = await log_of(system.kafka, system.localities.slugs)
        return reconcile.stages(reconcile.stories(log, system.localities))[travelled.partners_referral] == (
            "booked"
        )

    await until(partners_meeting, "a meeting for the partner's referral")
    log = await log_of(system.kafka, system.localities.slugs)
    found = reconcile.stories(log, system.localities)
    reconcile.one_creation_each(log, system.accepted)
    reconcile.one_meeting_each(found)
    reconcile.no_time_twice(found)
    for journey in travelled.journeys:
        story = found[journey.referral]
        assert len(story.meetings) == 1
        assert story.active is not None
        assert story.active.booked.meeting_id == journey.meeting["id"]


async def _messages(system: System, travelled: Travelled) -> None:
    """Checks the messages: a text to each person, and a reminder for the next meetings after tomorrow."""
    for journey in travelled.journeys:
        await texted(system, journey, "your appointment is on")
    later = [j for j in travelled.journeys if _day(j) > chapter.today(system) + timedelta(days=1)]
    next_day = min(_day(journey) for journey in later)
    ten = datetime.combine(next_day - timedelta(days=1), time(10, 1), LONDON)
    system.clock.move_to(max(ten, system.clock()))
    travelled.reminded = [journey for journey in later if _day(journey) == next_day]
    for journey in travelled.reminded:
        await texted(system, journey, "a reminder of your appointment")


async def texted(system: System, journey: Journey, says: str) -> None:
    """Waits for a text to the person that says this."""
    number = dialled(journey.who.body["telephone"])

    async def text() -> bool:
        sent = [message for message in await system.mailbox() if message["channel"] == "sms"]
        return any(dialled(one["to"]) == number and says in one["text"] for one in sent)

    await until(text, f"a text in {journey.locality}: {says}")


def _day(journey: Journey) -> date:
    return chapter.starts(journey).astimezone(LONDON).date()


def dialled(number: str) -> str:
    """A telephone number as digits after the zero, in any notation."""
    digits = "".join(sign for sign in number if sign.isdigit())
    return digits.removeprefix("44").removeprefix("0")


async def _met_while_the_vault_dies(system: System, travelled: Travelled) -> None:
    """Holds all meetings, and records plans while the referral service is killed."""
    last = max(chapter.starts(journey) for journey in travelled.journeys)
    system.clock.move_to(last + timedelta(hours=1))
    meeting = [asyncio.create_task(chapter.meet(system, journey)) for journey in travelled.journeys]
    await asyncio.wait(meeting, return_when=asyncio.FIRST_COMPLETED)
    system.kill("referral")
    await asyncio.gather(*meeting)
    await system.answers("referral")


async def _asked_while_notifications_die(system: System, travelled: Travelled) -> None:
    """Prescribes services, and kills notifications while it asks them."""
    first, *others = travelled.journeys
    await chapter.prescribe(system, first)
    system.kill("notifications")
    for journey in others:
        await chapter.prescribe(system, journey)
    await system.answers("notifications")
    await _each(travelled, lambda journey: chapter.asked(system, journey))


async def _stages(system: System, travelled: Travelled) -> dict[str, str]:
    """The stage of every referral, as matching shows it."""
    found = {}
    for journey in travelled.journeys:
        path = f"{MATCHING}/referrals/{journey.referral}"
        found[journey.referral] = (await system.done("GET", path, journey.link_worker))["stage"]
    return found
