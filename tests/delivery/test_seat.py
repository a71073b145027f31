"""Whoever starts in the seat of a process that died does not wait until that one is found dead."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.delivery.leases import Leases
from shared.delivery.mongo import Mongo
from shared.delivery.seat import client_id
from shared.events.topics import event_topics, group, topic
from tests.delivery.toy import PART, Bench, created, said

FOREVER = 60.0
"""Seconds after which a dead member would be found: longer than any test here."""


@asynccontextmanager
async def somebody_who_dies(place: Bench, seat: str, found_after: float) -> AsyncIterator[None]:
    """A member of the part's group with all partitions, whose connections end without a word."""
    member = AIOKafkaConsumer(
        *event_topics(place.locality),
        bootstrap_servers=place.bootstrap,
        client_id=client_id(PART, place.locality, seat),
        group_id=group(place.locality, PART),
        session_timeout_ms=int(found_after * 1000),
        rebalance_timeout_ms=int(found_after * 1000),
        partition_assignment_strategy=[RangePartitionAssignor],
    )
    await member.start()
    while not member.assignment():
        await asyncio.sleep(0.02)
    heart = member._coordinator._heartbeat_task
    heart.cancel()
    await asyncio.gather(heart, return_exceptions=True)
    await member._client.close()
    try:
        yield
    finally:
        member._closed = True  # its end was ours: nothing is left to be closed


async def test_a_group_does_not_wait_for_whoever_sat_here_before(place: Bench) -> None:
    event = said(created(place.locality))
    async with somebody_who_dies(place, "matching-2", FOREVER):
        began = time.monotonic()
        async with place.kernel(seat="matching-2").running():
            await place.say(event)
            await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=20)
        assert time.monotonic() - began < FOREVER / 3


async def test_somebody_elses_seat_is_left_alone(place: Bench) -> None:
    event = said(created(place.locality))
    async with somebody_who_dies(place, "matching-2", 6), place.kernel(seat="matching-3").running() as kernel:
        await place.say(event)
        await asyncio.sleep(3)
        assert await kernel.view(place.locality, event.body.referral_id) is None
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 20)


async def test_a_broker_that_is_away_keeps_nobody_from_starting(place: Bench) -> None:
    began = time.monotonic()
    async with place.kernel(seat="matching", kafka_bootstrap="127.0.0.1:1").running() as kernel:
        assert time.monotonic() - began < FOREVER / 3
        assert kernel.live()


async def test_the_leases_of_whoever_sat_here_before_are_free(place: Bench) -> None:
    mongo = Mongo(place.mongo_url, place.options.database)
    before, after, other = (Leases(mongo, name, FOREVER) for name in ("before", "after", "other"))
    try:
        await before.succeed("matching")
        assert await before.take("booking/meir")
        assert await other.take("booking/leek-werrington")
        assert not await after.take("booking/meir"), "it is somebody else's"
        await after.succeed("matching")
        assert await after.take("booking/meir")
        assert not await after.take("booking/leek-werrington"), "nobody said that this one is dead"
        assert not await before.take("booking/meir"), "one that lives all the same finds it taken"
    finally:
        await mongo.close()


async def test_whoever_has_no_seat_ends_no_leases(place: Bench) -> None:
    mongo = Mongo(place.mongo_url, place.options.database)
    before, after = (Leases(mongo, name, FOREVER) for name in ("before", "after"))
    try:
        await before.succeed("")
        assert await before.take("booking/meir")
        await after.succeed("")
        assert not await after.take("booking/meir")
    finally:
        await mongo.close()
