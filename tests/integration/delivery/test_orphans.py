"""A process that dies in the midst of a transaction: MongoDB keeps it open, and what it wrote locked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymongo.errors import OperationFailure

from shared.contract.events.topics import topic
from shared.delivery.mongo.database import Mongo, Session
from shared.delivery.mongo.leases import Leases
from shared.delivery.outbox.lanes import process_name
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, REFERRALS
from shared.platform.ids import new_id
from tests.harness.delivery.toy import NOW, Bench, created, said


@asynccontextmanager
async def begun(place: Bench, lane: str, referral_id: str) -> AsyncIterator[tuple[Mongo, Session]]:
    """A process has written the referral's document and will never commit."""
    mongo = Mongo(place.mongo_url, place.options.database, name=process_name(lane))
    async with await mongo.client.start_session() as session:
        session.start_transaction()
        await mongo[REFERRALS].insert_one({"_id": aggregate_id(place.locality, referral_id)}, session=session)
        yield mongo, session
    await mongo.close()


async def test_transactions_of_dead_process_end_with_its_lease(place: Bench) -> None:
    """By itself it would end after a minute or longer, and the referral would wait as long."""
    event = said(created(place.locality))
    async with (
        place.kernel(lease_seconds=1.0).running(),
        begun(place, "dead", event.body.referral_id) as (mongo, session),
    ):
        assert await Leases(mongo, "dead", 1.0).take("lane/dead")
        await place.say(event)
        booked = await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=8)
        assert [record.key for record in booked] == [event.body.referral_id.encode()]
        # Had it only slept, it would find on waking that what it had begun is gone.
        with pytest.raises(OperationFailure) as refused:
            await session.commit_transaction()
        assert refused.value.has_error_label("TransientTransactionError")


async def test_transactions_of_live_process_are_left_alone(place: Bench) -> None:
    event = said(created(place.locality))
    async with (
        place.kernel(lease_seconds=1.0).running(),
        begun(place, "alive", event.body.referral_id) as (mongo, session),
    ):
        assert await Leases(mongo, "alive", 30.0).take("lane/alive")
        assert await Leases(mongo, "dead", 1.0).take("lane/dead")
        # Its rows make others look at its lane, and the lease turns them away.
        await mongo[OUTBOX].insert_one({"_id": new_id(), "lane": "alive", "at": NOW, "m": []})
        await asyncio.sleep(2.5)
        await session.commit_transaction()


async def test_record_with_held_document_waits(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel(max_conflicts=1).running():
        async with begun(place, "unknown", event.body.referral_id) as (_, session):
            await place.say(event)
            await asyncio.sleep(3)
            await session.abort_transaction()
        booked = await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=8)
    assert len(booked) == 1
