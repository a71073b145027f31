"""Records of other clients: every codec, and bytes that are not text."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared.delivery.rebuild import log
from tests.harness.delivery.toy import Bench, created, said


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_of_partners_are_read(place: Bench, codec: str) -> None:
    event = said(created(place.locality))
    producer = AIOKafkaProducer(**place.kafka.client_arguments(), compression_type=codec)
    await producer.start()
    await producer.send_and_wait(
        event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
    )
    await producer.stop()
    async with place.kernel().running() as kernel:
        view = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None


async def test_read_committed_consumer_handles_transaction_markers(place: Bench) -> None:
    topic = said(created(place.locality)).topic()
    async with AIOKafkaProducer(
        **place.kafka.client_arguments(), transactional_id=f"{place.locality}-writer"
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"given up", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
    async with AIOKafkaConsumer(
        topic,
        **place.kafka.client_arguments(),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as reader:
        record = await asyncio.wait_for(reader.getone(), 10)
    assert record.value == b"committed"


async def test_aborted_transaction_of_partner_is_ignored(place: Bench) -> None:
    given_up, kept = (said(created(place.locality)) for _ in range(2))
    async with AIOKafkaProducer(
        **place.kafka.client_arguments(), transactional_id=f"{place.locality}-partner"
    ) as producer:
        for event, gives_up in ((given_up, True), (kept, False), (given_up, True)):
            await producer.begin_transaction()
            await producer.send_and_wait(
                event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
            )
            await (producer.abort_transaction() if gives_up else producer.commit_transaction())
    async with place.kernel().running() as kernel:
        view = await kernel.wait_for(place.locality, kept.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None
        assert await kernel.view(place.locality, given_up.body.referral_id) is None
    async with log.consumer(place.kafka) as reader:
        everywhere = [TopicPartition(kept.topic(), partition) for partition in range(3)]
        ends = await reader.end_offsets(everywhere)
        assert sum(ends.values()) == 6  # a record and a marker of each transaction
        pages = log.read(reader, log.offset_ranges(await reader.beginning_offsets(everywhere), ends))
        async with asyncio.timeout(10):
            found = [record.value async for page in pages for record in page]
    assert found == [kept.raw]


class NotText(str):
    """A header's name as a client of another language may write it."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"x-\xff\xfe"


@pytest.mark.parametrize("codec", [0, 3], ids=["plain", "lz4"])
async def test_header_name_in_binary_stops_no_partition(place: Bench, codec: int) -> None:
    events = [said(created(place.locality, f"00000000-0000-7000-8000-{n:012d}")) for n in range(12)]
    batch = place.producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1_000_000,
    )
    for n, event in enumerate(events):
        extra = [(NotText("x"), b"1")] if n == 4 else []
        batch.append(
            timestamp=None,
            key=event.body.referral_id.encode(),
            value=event.raw,
            headers=[*event.headers(), *extra],
        )
    batch.close()
    await place.producer.send_batch(batch, events[0].topic(), partition=0)
    async with place.kernel().running() as kernel:
        for event in events:
            assert await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10
            )
        assert kernel.live()
        assert await place.dead_letters(0) == []
