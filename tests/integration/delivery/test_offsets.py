"""Records that others committed, logs that are other ones, and topics that are not there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contract.events.envelope import Envelope
from shared.contract.events.partitioning import partition_of
from shared.contract.events.topics import event_topics, topic
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.delivery.offsets.handled import HANDLED, HandledOffsets
from shared.delivery.offsets.verdict import judge, resume
from shared.platform import metrics
from tests.harness.delivery.stranger import commits_to_the_end, stranger
from tests.harness.delivery.toy import Bench, created, locality_name, said


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.delivery.offsets.stream_gate._LOOK_SECONDS", 0.2)
    monkeypatch.setattr("shared.delivery.offsets.stream_gate._SHUT_SECONDS", 0.2)


async def booked(kernel: Kernel[Any, Any], place: Bench, events: Sequence[Envelope]) -> None:
    for event in events:
        view = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 15)
        assert view is not None
        assert view["meetings"] == 1


async def until(kernel: Kernel[Any, Any], place: Bench, **wanted: Any) -> dict[str, Any]:
    """The stream's detail in /readyz, once it is like that."""
    detail: dict[str, Any] = {}
    for _ in range(150):
        _, details = await kernel.ready()
        detail = details["streams"][place.locality]
        if wanted.items() <= detail.items():
            return detail
        await asyncio.sleep(0.1)
    raise AssertionError(detail)


@asynccontextmanager
async def mongo_of(place: Bench) -> AsyncIterator[Mongo]:
    mongo = Mongo(place.mongo_url, place.options.database)
    try:
        yield mongo
    finally:
        await mongo.close()


def rewinds(place: Bench) -> float:
    return float(metrics.stream_rewinds.labels("matching", place.locality)._value.get())


def passed_over(place: Bench) -> float:
    return float(metrics.records_passed_over.labels("matching", place.locality)._value.get())


def referrals(place: Bench, count: int) -> list[Envelope]:
    return [said(created(place.locality)) for _ in range(count)]


async def make_topics(place: Bench, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    try:
        for _ in range(50):  # A deletion takes a moment.
            answer = await admin.create_topics([NewTopic(name, 3, 1) for name in names])
            names = [name for name, code, *_ in answer.topic_errors if code]
            if not names:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not made: {names}")
    finally:
        await admin.close()


async def delete_topics(place: Bench, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    try:
        await admin.delete_topics(list(names))
    finally:
        await admin.close()


async def test_records_committed_by_a_stranger_are_handled(place: Bench) -> None:
    before, after = referrals(place, 3), referrals(place, 8)
    async with place.kernel().running() as kernel:
        await place.say(*before)
        await booked(kernel, place, before)
    await place.say(*after)
    async with stranger(place) as other:
        assert await commits_to_the_end(other) == 9
    async with place.kernel().running() as kernel:
        await booked(kernel, place, after)
        assert rewinds(place) == 1
        await until(kernel, place, state="running")
        for _ in range(50):
            if passed_over(place) == 0:
                break
            await asyncio.sleep(0.1)
        assert passed_over(place) == 0, "the group's offsets are ours again"
    async with place.kernel().running() as kernel:
        await until(kernel, place, state="running", partitions=9)
        assert rewinds(place) == 1


async def test_stranger_before_the_first_start_loses_nothing(place: Bench) -> None:
    events = referrals(place, 5)
    await place.say(*events)
    async with stranger(place) as other:
        await commits_to_the_end(other)
    async with place.kernel().running() as kernel:
        await booked(kernel, place, events)
        assert rewinds(place) == 1


async def test_stranger_beside_the_service_is_told_and_undone(place: Bench) -> None:
    async with place.kernel().running() as kernel:
        await until(kernel, place, state="running", partitions=9)
        async with stranger(place) as other:
            while not other.assignment():
                await asyncio.sleep(0.05)
            theirs = {partition.partition for partition in other.assignment()}
            events = [
                event
                for event in referrals(place, 30)
                if partition_of(event.body.referral_id.encode(), 3) in theirs
            ]
            await place.say(*events)
            await commits_to_the_end(other)
            for _ in range(50):
                if passed_over(place):
                    break
                await asyncio.sleep(0.1)
            assert passed_over(place) == len(events)
        await booked(kernel, place, events)
        assert rewinds(place) == 1


async def test_topic_made_anew_stops_stream_until_accepted(place: Bench) -> None:
    name = topic(place.locality, "referral-created")
    before, after = referrals(place, 6), referrals(place, 2)
    async with place.kernel().running() as kernel:
        await place.say(*before)
        await booked(kernel, place, before)
        await delete_topics(place, [name])
        detail = await until(kernel, place, state="topic_missing")
        assert detail["missing"] == [name]
        gauge = metrics.topics_missing.labels("matching", place.locality)._value
        assert gauge.get() == 1
        await make_topics(place, [name])
        await until(kernel, place, state="stopped", reason="log_replaced")
        assert gauge.get() == 0
        await place.say(*after)
        await asyncio.sleep(0.5)
        assert await kernel.view(place.locality, after[0].body.referral_id) is None
        mismatch = metrics.stream_mismatch.labels("matching", place.locality, "log_replaced")._value
        assert mismatch.get() == 1
    # Nor does a restart forget it.
    async with place.kernel().running() as kernel:
        await until(kernel, place, state="stopped", reason="log_replaced")
        state = await kernel._consumers[0].gate._state(())
        accepted = resume(state, judge(state), "start")
        assert {at.topic for at in accepted} == {name}
        await HandledOffsets(kernel.mongo, place.locality).replace(accepted)
        await booked(kernel, place, after)
        await until(kernel, place, state="running")
        assert mismatch.get() == 0


async def test_topics_missing_from_the_start_are_named(place: Bench) -> None:
    elsewhere = Bench(place.kafka, place.mongo_url, locality_name(), place.producer, place.options)
    async with elsewhere.kernel().running() as kernel:
        detail = await until(kernel, elsewhere, state="topic_missing")
        assert detail["missing"] == event_topics(elsewhere.locality)
        await make_topics(elsewhere, event_topics(elsewhere.locality))
        events = referrals(elsewhere, 1)
        await elsewhere.say(*events)
        await booked(kernel, elsewhere, events)
        await until(kernel, elsewhere, state="running")


async def test_database_restored_from_a_backup_stops_the_stream(place: Bench) -> None:
    events = referrals(place, 4)
    async with place.kernel().running() as kernel:
        await place.say(*events)
        await booked(kernel, place, events)
    async with place.kernel().running() as kernel:
        rows = kernel.mongo[HANDLED]
        assert await rows.count_documents({"next": {"$gt": 0}})
        await rows.update_many({}, {"$set": {"next": 0}})
        kernel._consumers[0].gate.shut()
        await until(kernel, place, state="stopped", reason="database_behind")


async def test_own_events_alone_advance_the_handled_offset(place: Bench) -> None:
    """They need no transaction, and the next process must not take them for records that others read."""
    (event,) = referrals(place, 1)
    async with place.kernel().running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        at = TopicPartition(
            topic(place.locality, "outcome-recorded"), partition_of(event.body.referral_id.encode(), 3)
        )
        for _ in range(100):
            row = await kernel.mongo[HANDLED].find_one({"_id": f"{at.topic}/{at.partition}"})
            if row is not None and row["next"] == 1:
                break
            await asyncio.sleep(0.05)
        assert row is not None
        assert row["next"] == 1


async def test_start_after_a_kill_reads_from_the_handled_offset(place: Bench) -> None:
    """Handled offsets are stored before they are committed, and the rest is a repeat."""
    events = referrals(place, 3)
    async with place.kernel().running() as kernel:
        await place.say(*events)
        await booked(kernel, place, events)
        stream = kernel._consumers[0]
        consumer: Any = stream.consumer

        async def away(_: object) -> None:
            raise ConnectionError

        consumer.commit = away
        more = referrals(place, 3)
        await place.say(*more)
        await booked(kernel, place, more)
        await asyncio.sleep(0.5)
    duplicates = metrics.events_consumed.labels("matching", "referral-created", place.locality, "duplicate")
    async with place.kernel().running() as kernel:
        await until(kernel, place, state="running", partitions=9)
        last = referrals(place, 1)
        await place.say(*last)
        await booked(kernel, place, last)
    assert duplicates._value.get() == 0


async def test_committed_offsets_of_an_earlier_version_count(place: Bench) -> None:
    """It kept no handled offsets, and marked no commit."""
    events = referrals(place, 4)
    async with place.kernel().running() as kernel:
        await place.say(*events)
        await booked(kernel, place, events)
    async with stranger(place) as other:
        await commits_to_the_end(other)
    async with mongo_of(place) as mongo:
        await mongo[HANDLED].drop()
    more = referrals(place, 2)
    await place.say(*more)
    duplicates = metrics.events_consumed.labels("matching", "referral-created", place.locality, "duplicate")
    async with place.kernel().running() as kernel:
        await booked(kernel, place, more)
        assert (rewinds(place), duplicates._value.get()) == (0, 0)
