"""The heartbeat of a sandbox through inbox and admission, and the erasure of its old referrals."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.referral.collections import ERASED, HEARTBEATS, PEOPLE
from services.referral.sandbox.beats import Beats
from services.referral.sandbox.erasing import ERASED_AFTER, erase_old_referrals
from services.referral.sandbox.heartbeat import Heartbeat
from shared.contract.events.models import MeetingBooked
from shared.contract.events.outcomes import MeetingCancelled
from shared.contract.events.vocabulary import By, CancelReason
from shared.delivery.performance import NotSeen
from shared.platform import metrics
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from tests.harness.delivery.toy import created
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness

EVERY = timedelta(minutes=15)


def heartbeat(referral: ReferralHarness, ahead: timedelta = timedelta(0)) -> Heartbeat:
    """A process that looks at this time."""

    def clock() -> datetime:
        return system_clock() + ahead

    return Heartbeat(
        referral.context, Beats(referral.mongo, clock, EVERY), referral.app.state.partner_events.say
    )


async def book(referral: ReferralHarness) -> None:
    """Books and cancels as booking does, until it is cancelled itself."""
    answered: set[tuple[str, str]] = set()
    while True:
        async for row in referral.mongo["referrals"].find({"locality": referral.sandbox}):
            here: dict[str, Any] = {"referral_id": row["referral"], "locality": referral.sandbox}
            step = (row["referral"], row["view"]["stage"])
            if step in answered:
                continue
            answered.add(step)
            if row["view"]["stage"] == "waiting":
                meeting = MeetingBooked(
                    **here,
                    meeting_id=new_id(),
                    sequence=0,
                    link_worker="lw-sandbox-1",
                    practice="Z00001",
                    starts_at=system_clock() + timedelta(days=2),
                    minutes=45,
                )
                await referral.say(meeting, "booking")
            elif row["view"]["stage"] == "withdrawn":
                facts = await referral.context.kernel.facts(referral.sandbox, row["referral"])
                (meeting_id,) = {fact.body.meeting_id for fact in facts if fact.kind == "meeting_booked"}
                off = MeetingCancelled(
                    **here, meeting_id=meeting_id, by=By.PROGRAMME, why=CancelReason.REFERRAL_ENDED
                )
                await referral.say(off, "booking")
        await asyncio.sleep(0.05)


def gauge(referral: ReferralHarness) -> float:
    value: float = metrics.heartbeats_unanswered.labels(referral.sandbox)._value.get()
    return value


async def test_heartbeat_plays_once_and_counts_its_answer(referral: ReferralHarness) -> None:
    booking = asyncio.create_task(book(referral))
    try:
        two = [heartbeat(referral), heartbeat(referral)]
        played = await asyncio.gather(*(each.look(referral.sandbox) for each in two))
    finally:
        booking.cancel()
        with suppress(asyncio.CancelledError):
            await booking
    (lines,) = [lines for lines in played if lines]
    assert [line.kind for line in lines if line.what != "said"] == [
        "referral_created",
        "meeting_booked",
        "referral_withdrawn",
        "meeting_cancelled",
    ]
    assert {line.source for line in lines if line.what == "said"} == {f"/{referral.sandbox}/heartbeat"}
    assert gauge(referral) == 0
    row = await referral.mongo[HEARTBEATS].find_one({"_id": referral.sandbox})
    assert row is not None
    assert row["answered"] == row["at"]
    assert await heartbeat(referral).look(referral.sandbox) == []


async def test_heartbeats_without_answer_are_counted(referral: ReferralHarness) -> None:
    silent = heartbeat(referral, ahead=timedelta(days=30))
    await silent.observe(referral.sandbox)
    story = replace(
        silent.story, duties=tuple(replace(duty, within=timedelta(0)) for duty in silent.story.duties)
    )
    silent.story = story
    await referral.mongo[HEARTBEATS].update_one(
        {"_id": referral.sandbox}, {"$set": {"answered": silent.beats.clock()}}
    )
    with pytest.raises(NotSeen, match="meeting_booked"):
        await silent.look(referral.sandbox)
    later = heartbeat(referral, ahead=timedelta(days=30) + 2 * EVERY + timedelta(minutes=3))
    await later.observe(referral.sandbox)
    assert gauge(referral) == 2


async def test_old_referrals_are_erased_with_their_people(referral: ReferralHarness) -> None:
    sandbox, partner = referral.sandbox, f"/{referral.sandbox}/trigger"
    made = await referral.http.post(
        "/api/referral/v1/referrals",
        json=referral_body(practice="Z00001"),
        headers=referral.referrer("Z00001", localities=[sandbox]),
    )
    assert made.status_code == 201, made.text
    ours = made.json()["id"]
    theirs = (await referral.say(created(sandbox), partner.rpartition("/")[2])).body.referral_id
    fresh = (await referral.say(created(sandbox), "trigger")).body.referral_id
    for each in (ours, theirs, fresh):
        await referral.until(each, sandbox, open=True)
    old = system_clock() - ERASED_AFTER - timedelta(minutes=1)
    for each in (ours, theirs):
        await referral.mongo["referrals"].update_one({"referral": each}, {"$set": {"facts.$[].r": old}})
    person = (await referral.context.kernel.view(sandbox, ours)).story.created.person_ref  # type: ignore[union-attr]
    assert await erase_old_referrals(referral.context, sandbox) == 2
    for each in (ours, theirs):
        await referral.until(each, sandbox, stage="erased")
    await referral.until(fresh, sandbox, open=True)
    assert await referral.mongo[PEOPLE].find_one({"_id": person}) is None
    stone = await referral.mongo[ERASED].find_one({"_id": person})
    assert stone is not None
    assert (stone["by"], stone["untold"]) == ("sandbox", [])
    assert await erase_old_referrals(referral.context, sandbox) == 0


async def test_erasing_refuses_locality_with_real_people(referral: ReferralHarness) -> None:
    with pytest.raises(ValueError, match="is no sandbox"):
        await erase_old_referrals(referral.context, referral.here)
