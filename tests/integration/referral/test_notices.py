"""Notices: a fact that has not counted for ten minutes is told to its source once, on Kafka and over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio

from services.referral.collections import NOTICES
from services.referral.partners.notice_rows import NoticeRows
from services.referral.partners.notices import Notices
from services.referral.partners.table import ProgrammeTable
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.notices import FactNoticed
from shared.contract.events.outcomes import PersonErased
from shared.contract.events.topics import refusals_topic
from shared.delivery.kafka.producer import Producer
from shared.delivery.mongo.leases import Leases
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from tests.harness.delivery.toy import created
from tests.harness.referral.admission import heard
from tests.harness.referral.running import ReferralHarness

PARTNER = "vast-hub"


@dataclass
class Place:
    """Sweeps by a clock that the test moves, beside those of the running service."""

    referral: ReferralHarness
    now: datetime
    notices: Notices | None = None

    async def sweep(self, **later: float) -> None:
        self.now += timedelta(**later)
        assert self.notices is not None
        await self.notices.sweep()

    async def said(self, body: EventBody, by: str = PARTNER) -> str:
        """Says a fact; returns its id once the service has it."""
        event = await self.referral.say(body, by)
        async with asyncio.timeout(15):
            while True:
                facts = await self.referral.context.kernel.facts(self.referral.here, body.referral_id)
                if any(fact.id == event.id for fact in facts):
                    return event.id
                await asyncio.sleep(0.02)

    async def told(self, count: int, *ids: str) -> list[FactNoticed]:
        """The notices about these facts, once there are so many."""
        topic = refusals_topic(f"/{self.referral.here}/{PARTNER}")
        keys = {each.encode() for each in ids}
        found = await heard(self.referral.kafka, [topic], count, 15, lambda line: line.key in keys)
        return [FactNoticed.model_validate_json(line.value or b"") for line in found]

    async def verdict(self, referral: str, event: str) -> dict[str, Any]:
        answer = await self.referral.http.get(
            f"/api/contract/v1/referrals/{referral}/events/{event}", headers=self.referral.partner()
        )
        found: dict[str, Any] = answer.json()
        return found


@pytest_asyncio.fixture
async def place(referral: ReferralHarness) -> AsyncIterator[Place]:
    made, producer = Place(referral, system_clock()), Producer(referral.kafka)
    leases = Leases(referral.mongo, new_id(), 60.0)
    table = ProgrammeTable(referral.context.localities)
    rows = NoticeRows(referral.mongo)
    made.notices = Notices(rows, producer, leases, table, [referral.here], lambda: made.now)
    yield made
    await made.notices.close()


def meeting(locality: str, referral: str, sequence: int = 0) -> MeetingBooked:
    return MeetingBooked(
        referral_id=referral,
        locality=locality,
        meeting_id=new_id(),
        sequence=sequence,
        link_worker=f"lw-{locality}-1",
        practice="M83100",
        starts_at=system_clock() + timedelta(days=3),
        minutes=45,
    )


async def test_fact_that_does_not_count_is_told_once(place: Place) -> None:
    here, referral = place.referral.here, new_id()
    made = await place.said(created(here, referral))
    skipped = await place.said(meeting(here, referral, sequence=3))
    await place.sweep()
    await place.sweep(minutes=9)
    assert await place.told(0, made, skipped) == []
    for _ in range(2):
        await place.sweep(minutes=1, seconds=1)
    await place.sweep(hours=1)
    (notice,) = await place.told(1, made, skipped)
    assert (notice.id, notice.referral, notice.code) == (skipped, referral, "does_not_count_yet")
    assert (notice.problem, notice.pointer) == ("sequence_left_out", "/data/sequence")
    verdict = await place.verdict(referral, skipped)
    assert (verdict["verdict"], verdict["code"]) == ("accepted", "does_not_count_yet")
    assert (verdict["problem"], verdict["pointer"]) == ("sequence_left_out", "/data/sequence")
    assert await place.verdict(referral, made) == {"verdict": "accepted"} | dict.fromkeys(
        ("code", "detail", "pointer", "problem", "at")
    )


async def test_fact_that_counts_in_time_is_never_told(place: Place) -> None:
    here, referral = place.referral.here, new_id()
    early = await place.said(meeting(here, referral))
    assert (await place.verdict(referral, early))["problem"] == "referral_not_created"
    await place.sweep()
    await place.said(created(here, referral))
    await place.sweep(minutes=11)
    await place.sweep(minutes=11)
    assert await place.told(0, early) == []
    assert (await place.verdict(referral, early))["code"] is None


async def test_our_own_and_other_sources_facts_are_not_told(place: Place) -> None:
    here, referral = place.referral.here, new_id()
    ours = await place.said(meeting(here, referral), "booking")
    erased = PersonErased(referral_id=referral, locality=here, person_ref=new_id())
    unlisted = await place.said(erased, "stranger")
    theirs = await place.said(erased)
    await place.sweep()
    await place.sweep(minutes=10)
    (notice,) = await place.told(1, ours, unlisted, theirs)
    assert (notice.id, notice.problem) == (theirs, "referral_not_created")


async def test_second_body_under_an_id_is_told_once(place: Place) -> None:
    here, referral = place.referral.here, new_id()
    made = await place.said(created(here, referral))
    first = await place.said(meeting(here, referral))
    for minutes in (30, 60):
        changed = meeting(here, referral).model_copy(update={"minutes": minutes})
        await place.referral.say(changed, PARTNER, identity=first)
    async with asyncio.timeout(15):
        while await place.referral.mongo[NOTICES].find_one({"_id.id": first}) is None:
            await asyncio.sleep(0.02)
    await place.sweep(minutes=9)
    assert await place.told(0, made, first) == []
    for _ in range(2):
        await place.sweep(minutes=2)
    (notice,) = await place.told(1, made, first)
    assert (notice.problem, notice.pointer, notice.referral) == ("another_body", "/id", referral)
    view = await place.referral.until(referral)
    assert view["uncounted"] is None
    assert (await place.verdict(referral, first))["verdict"] == "accepted"
