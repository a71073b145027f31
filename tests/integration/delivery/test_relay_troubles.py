"""One topic's trouble is its own; the broker's is waited for; nothing that was decided stays behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.contract.events.topics import topic
from shared.contract.history import ReferralHistory
from shared.delivery.kafka.producer import Producer
from shared.delivery.kernel import Kernel
from shared.delivery.model.service_definition import Changed, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.delivery.mongo.leases import LEASES, Leases
from shared.delivery.outbox.relay import Relay
from shared.delivery.outbox.rows import Message, rows_of
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.ids import new_id
from tests.harness.delivery.toy import NOW, TOY, Bench, created, locality_name, said
from tests.integration.delivery.test_outbox import message


async def put(kernel: Kernel[ReferralHistory, None], *messages: Message, lane: str | None = None) -> None:
    """Rows of one message each, in this order, as transactions of this process would write them."""
    rows = [
        {"_id": new_id(), "lane": lane or kernel._relay.lane, "at": NOW, "m": [m.stored()]} for m in messages
    ]
    await kernel.mongo[OUTBOX].insert_many(rows)
    kernel._relay.read_lane()


async def make(place: Bench, wanted: NewTopic) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    await admin.create_topics([wanted])
    await admin.close()


async def emptied(kernel: Kernel[ReferralHistory, None], seconds: float = 15.0) -> bool:
    for _ in range(int(seconds * 10)):
        if await kernel.mongo[OUTBOX].count_documents({}) == 0:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_missing_topic_holds_up_no_other_and_loses_nothing(place: Bench) -> None:
    elsewhere = topic(locality_name(), "meeting-booked")
    lost = [replace(message(place), topic=elsewhere) for _ in range(50)]
    async with place.kernel().running() as kernel:
        await put(kernel, *lost, message(place))
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=15)) == 1
        for _ in range(3):  # and goes on doing so
            event = said(created(place.locality))
            await place.say(event)
            view = await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10
            )
            assert view is not None
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 4, seconds=15)) == 4
        assert await kernel.mongo[OUTBOX].count_documents({}) == 50
        await make(place, NewTopic(elsewhere, 1, 1))
        assert await emptied(kernel, 60)
        assert len({record.key for record in await place.heard(elsewhere, 50)}) == 50


async def test_rows_never_handed_over_are_found(place: Bench) -> None:
    """Those of a transaction that was committed without our being told."""
    async with place.kernel().running() as kernel:
        while kernel._relay._behind:
            await asyncio.sleep(0.01)
        lane, at = kernel._relay.lane, datetime.now(UTC)
        row = {"_id": new_id(), "lane": lane, "at": at, "m": [message(place).stored()]}
        await kernel.mongo[OUTBOX].insert_one(row)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_left_rows_with_any_time_are_found(place: Bench) -> None:
    """Of a process whose clock was an hour ahead."""
    async with place.kernel().running() as kernel:
        while kernel._relay._behind:
            await asyncio.sleep(0.01)
        at = datetime.now(UTC) + timedelta(hours=1)
        row = {"_id": new_id(), "lane": kernel._relay.lane, "at": at, "m": [message(place).stored()]}
        await kernel.mongo[OUTBOX].insert_one(row)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_row_that_came_back_is_deleted_again(place: Bench) -> None:
    """A database that dies may not have written yet that it was deleted. It is not published once more."""
    booked = topic(place.locality, "meeting-booked")
    async with place.kernel().running() as kernel:
        while kernel._relay._behind:
            await asyncio.sleep(0.01)
        row = rows_of([message(place)], new_id)[0]
        kernel._relay.hand_over([row])
        assert len(await place.heard(booked, 1)) == 1
        while row.id not in kernel._relay._deleted:
            await asyncio.sleep(0.01)
        await kernel.mongo[OUTBOX].insert_one(row.stored(kernel._relay.lane, NOW))
        assert await emptied(kernel)
    assert len(await place.heard(booked, 2, seconds=1)) == 1


async def test_silent_partition_holds_up_no_other(place: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no leader: a producer tries again for ever, and a page waits for all of its messages."""
    asked: list[int] = []
    silent = topic(locality_name(), "meeting-booked")
    real = AIOKafkaProducer.send_batch

    async def send_batch(producer: Any, batch: Any, name: str, *, partition: int) -> Any:
        if name == silent and not healed.is_set():
            asked.append(partition)
            return asyncio.get_running_loop().create_future()
        return await real(producer, batch, name, partition=partition)

    healed = asyncio.Event()
    monkeypatch.setattr(AIOKafkaProducer, "send_batch", send_batch)
    monkeypatch.setattr("shared.delivery.kafka.producer._ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("shared.delivery.kafka.producer._SILENT_SECONDS", 3.0)
    await make(place, NewTopic(silent, 1, 1))
    stuck = [replace(message(place), topic=silent) for _ in range(50)]
    async with place.kernel().running() as kernel:
        await put(kernel, message(place), *stuck, message(place))
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 2, seconds=10)) == 2
        assert len(asked) <= 3, "each row that stands behind it waits for it"
        healed.set()
        assert await emptied(kernel, 60)
    assert len(await place.heard(topic(place.locality, "meeting-booked"), 3, seconds=1)) == 2, "sent again"
    assert len({record.key for record in await place.heard(silent, 50)}) == 50


async def test_rows_whose_rights_return_are_published_once(
    place: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that finds the rights returned is deleted before its lane is read again, however slowly."""
    publish, wake, may_write = Producer.publish, Relay._wake, asyncio.Event()

    async def published(producer: Producer, messages: Sequence[Message]) -> list[Exception | None]:
        if may_write.is_set():
            return await publish(producer, messages)
        return [TopicAuthorizationFailedError(each.topic) for each in messages]

    async def woken(relay: Relay, topics: set[str]) -> None:
        await wake(relay, topics)
        await asyncio.sleep(0.5)

    monkeypatch.setattr(Producer, "publish", published)
    monkeypatch.setattr(Relay, "_wake", woken)
    async with place.kernel().running() as kernel:
        await put(kernel, *(message(place) for _ in range(3)))
        while await kernel.mongo[OUTBOX].count_documents({"not_before": {"$ne": None}}) < 3:
            await asyncio.sleep(0.01)
        may_write.set()
        assert await emptied(kernel)
    heard = await place.heard(topic(place.locality, "meeting-booked"), 4, seconds=1)
    assert len(heard) == len({record.key for record in heard}) == 3


async def test_relay_with_client_cancellation_goes_on(place: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, given_up = AIOKafkaProducer.send_batch, asyncio.Event()

    async def send_batch(producer: Any, batch: Any, name: str, *, partition: int) -> Any:
        if not given_up.is_set():
            given_up.set()
            raise asyncio.CancelledError
        return await real(producer, batch, name, partition=partition)

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", send_batch)
    async with place.kernel().running() as kernel:
        await put(kernel, message(place))
        assert await emptied(kernel)
        assert given_up.is_set()
        assert kernel.live()
    assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_row_partly_acknowledged_is_sent_again_in_part(place: Bench) -> None:
    good, bad = message(place), replace(message(place), topic=topic(locality_name(), "meeting-booked"))
    async with place.kernel().running() as kernel:
        row = {
            "_id": new_id(),
            "lane": kernel._relay.lane,
            "at": NOW,
            "m": [bad.stored(), good.stored(), bad.stored()],
        }
        await kernel.mongo[OUTBOX].insert_one(row)
        kernel._relay.read_lane()
        await place.heard(good.topic, 1)
        await asyncio.sleep(6)
        assert len(await place.heard(good.topic, 2, seconds=1)) == 1
        left = await kernel.mongo[OUTBOX].find_one({})
        assert left is not None
        assert [Message.restore(stored) for stored in left["m"]] == [bad, bad]


async def test_message_too_large_for_broker_is_dead_lettered(place: Bench) -> None:
    """The broker's limit is lower than ours; and an idempotent producer has lost count after its refusal."""
    narrow = topic(locality_name(), "meeting-booked")
    await make(place, NewTopic(narrow, 1, 1, topic_configs={"max.message.bytes": "200000"}))
    large, *others = [replace(message(place, size), topic=narrow) for size in (300_000, 1, 2, 3)]
    async with place.kernel().running() as kernel:
        await put(kernel, large, *others)
        await asyncio.sleep(1)
        await put(kernel, *others)
        assert await emptied(kernel)
        assert await kernel.mongo["outbox_dead_letters"].count_documents({}) == 1
    assert len({record.key for record in await place.heard(narrow, 3)}) == 3


async def test_failed_producer_is_not_used_again(place: Bench) -> None:
    """Its sender task may be dead: every message after that would fail the same way, for ever."""
    publisher = Producer(place.kafka)
    assert await publisher.publish([message(place)]) == [None]
    broken: AIOKafkaProducer = publisher._producer
    broken._message_accumulator.fail_all(KafkaError("Unexpected error during batch delivery"))
    try:
        await publisher.publish([message(place)])
    except KafkaError:
        pass
    else:
        raise AssertionError("a dead producer said that it had sent something")
    assert await publisher.publish([message(place)]) == [None]
    await publisher.close()
    assert broken._closed


async def test_delayed_rows_of_dead_process_are_taken_over(place: Bench) -> None:
    async with place.kernel().running() as kernel:
        row = {
            "_id": new_id(),
            "lane": "dead",
            "at": NOW,
            "not_before": NOW.replace(year=2020),
            "failures": 3,
            "m": [message(place).stored()],
        }
        await kernel.mongo[OUTBOX].insert_one(row)
        assert await emptied(kernel)
    assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_lane_lease_lasts_while_rows_are_left(place: Bench) -> None:
    """Renewed before each page: else it lapses in the middle of a long run and another publishes the same."""
    async with place.kernel(lease_seconds=1.0).running() as kernel:
        other = Leases(kernel.mongo, "another process", seconds=1.0)
        name = f"lane/{kernel._relay.lane}"
        while not kernel._leases.held(name):
            await asyncio.sleep(0.01)
        end = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < end:
            await put(kernel, *[message(place) for _ in range(40)])
            assert not await other.take(name)


class Slow(NoRepository):
    """A store that takes longer than a lease lasts."""

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        await asyncio.sleep(2.5)


async def test_lane_lease_lasts_until_batch_in_hand_ends(place: Bench) -> None:
    """Else it is taken for dead, and what it is about to commit is ended."""
    kernel = place.kernel(replace(TOY, repository=Slow()), lease_seconds=1.0)
    await kernel.start()
    other = Leases(kernel.mongo, "another process", seconds=0.1)
    name = kernel._relay.lease
    await place.say(said(created(place.locality)))
    while not kernel._consumers[0]._busy.locked():
        await asyncio.sleep(0.01)
    stopping = asyncio.create_task(kernel.stop())
    taken = 0
    while kernel._consumers[0]._busy.locked():
        taken += await other.take(name)
        await asyncio.sleep(0.1)
    await stopping
    assert taken == 0


async def test_leases_lapsed_long_ago_are_removed(place: Bench) -> None:
    kernel = place.kernel()
    leases = Leases(kernel.mongo, "this process", seconds=2.0)
    assert await leases.take("lane/gone")
    assert await leases.take("lane/alive")
    await leases.release(["lane/gone"])
    long_ago = {"$set": {"until": NOW.replace(year=2020)}}
    await kernel.mongo[LEASES].update_one({"_id": "lane/gone"}, long_ago)
    await leases.forget_lapsed("lane/")
    assert [row["_id"] async for row in kernel.mongo[LEASES].find({})] == ["lane/alive"]
    other = Leases(kernel.mongo, "another process", seconds=2.0)
    assert not await other.take("lane/alive")
    assert await other.take("lane/gone"), "a lease that was forgotten can be had again"
    await kernel.mongo.close()


async def test_lease_with_end_far_ahead_is_free(place: Bench) -> None:
    kernel = place.kernel()
    assert await Leases(kernel.mongo, "dead", seconds=3600).take("lane/dead")
    assert await Leases(kernel.mongo, "this process", seconds=2.0).take("lane/dead")
    await kernel.mongo.close()
