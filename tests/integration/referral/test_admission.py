"""Admission on a real broker: what it copies, what it refuses, and that no source harms another."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiokafka.partitioner import murmur2

from services.referral.partners.repository import refused
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import inbox_topic
from shared.delivery.kafka.topics import PARTITIONS
from shared.delivery.kernel import Kernel
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import TOY
from tests.harness.referral.admission import AdmissionBench, admission_bench
from tests.harness.referral.partners import Sent, attempt, bad_records, creation, sent


@pytest_asyncio.fixture
async def here(kafka: KafkaConnection, mongo_url: str, tmp_path: Path) -> AsyncIterator[AdmissionBench]:
    async with admission_bench(tmp_path, kafka, mongo_url) as bench:
        yield bench


def bad(record: Sent) -> Sent:
    return record.with_body(locality="longton")


async def test_admission_copies_bytes_id_and_source(here: AdmissionBench) -> None:
    records = [sent(creation(here.locality)) for _ in range(5)]
    records += [sent(attempt(here.locality)).with_header("x-note", b"Mary Smith") for _ in range(5)]
    await here.send(*records)
    async with here.admission():
        copies = await here.copies(10)
        assert await here.committed(10) == 10
    assert len(copies) == 10
    by_id = {dict(copy.headers)["ce_id"].decode(): copy for copy in copies}
    for offset, record in enumerate(records):
        copy = by_id[record.attribute("id")]
        headers = dict(copy.headers)
        assert (copy.key, copy.value) == (record.key, record.value)
        assert headers["ce_source"] == here.source.encode()
        assert copy.partition == (murmur2(record.key or b"") & 0x7FFFFFFF) % PARTITIONS
        assert headers["linkwork-inbox"] == inbox_topic(here.source).encode()
        assert (headers["linkwork-inbox-partition"], headers["linkwork-inbox-offset"]) == (
            b"0",
            str(offset).encode(),
        )
        assert headers["linkwork-table-version"]
        assert "x-note" not in headers
        assert isinstance(read(copy.topic, copy.key, copy.value, copy.headers), Envelope)


async def test_admission_refuses_each_bad_record_at_its_place(here: AdmissionBench) -> None:
    records = bad_records(here.locality)
    good = sent(creation(here.locality))
    await here.send(*(each.record for each in records.values()), good)
    async with here.admission():
        lines = await here.refusals(len(records))
        copies = await here.copies(1)
    told = [(line.topic, line.offset, line.code, line.pointer, line.problem) for line in lines]
    inbox = inbox_topic(here.source)
    assert told == [
        (inbox, at, each.code, each.pointer, each.problem) for at, each in enumerate(records.values())
    ]
    assert [copy.value for copy in copies] == [good.value]
    no_needs = records["no needs"].record.attribute("id")
    row = await refused(here.mongo, here.source, no_needs)
    assert row is not None
    assert (row["code"], row["pointer"]) == ("invalid_body", "/data/needs")


async def test_repeat_after_a_crash_doubles_nothing_for_readers(here: AdmissionBench) -> None:
    event = creation(here.locality)
    await here.send(sent(event))
    async with here.admission(commit_seconds=3600.0) as crashing:
        await here.copies(1)
        crashing._inboxes.forget()  # A process that is killed does not commit.
        crashing._reached.clear()
    assert await here.committed(-1) == -1
    async with here.admission():
        assert len(await here.copies(2)) == 2
        assert await here.committed(1) == 1
    kernel = Kernel(TOY, here.options, [here.locality])
    async with kernel.running():
        body = event.body
        await kernel.wait_for(here.locality, body.referral_id, lambda view: view["meetings"] == 1, 15)
        facts = await kernel.facts(here.locality, body.referral_id)
        assert [(fact.source, fact.id) for fact in facts if fact.source == here.source] == [
            (here.source, event.id)
        ]


async def test_flood_of_one_source_does_not_delay_another(here: AdmissionBench) -> None:
    flood = [sent(attempt(here.locality, partner="history")) for _ in range(3000)]
    async with here.admission(a_second=200.0):
        await here.send(sent(attempt(here.locality)))
        await here.copies(1)
        await here.send(*flood, source=here.neighbour)
        put: dict[str, float] = {}
        for _ in range(10):
            record = sent(attempt(here.locality))
            await here.send(record)
            put[record.attribute("id")] = time.time()
            await asyncio.sleep(0.05)
        copies = await here.copies(11)
        assert 0 < await here.committed(None, here.neighbour) < 3000
    waits = sorted(
        copy.timestamp / 1000 - put[identity]
        for copy in copies
        if (identity := dict(copy.headers)["ce_id"].decode()) in put
    )
    assert len(waits) == 10
    assert waits[len(waits) // 2] < 0.2


async def test_refusals_beyond_sixty_a_minute_become_one_line(here: AdmissionBench) -> None:
    await here.send(*(bad(sent(attempt(here.locality))) for _ in range(70)))
    async with here.admission():
        assert len(await here.refusals(60)) == 60
        # A process that takes over counts again from the first refusal that no line covers.
        assert await here.committed(60) == 60
        here.minute_later()
        *_, summary = await here.refusals(61)
        assert await here.committed(70) == 70
    assert (summary.code, summary.count) == (RefusalCode.WRONG_LOCALITY, 10)
    assert summary.last is not None
    assert (summary.offset, summary.last.offset, summary.id) == (60, 69, None)


async def test_stop_tells_what_was_only_counted(here: AdmissionBench) -> None:
    await here.send(*(bad(sent(attempt(here.locality))) for _ in range(65)))
    async with here.admission():
        assert await here.committed(60) == 60
    *_, summary = await here.refusals(61)
    assert summary.count == 5
    assert await here.committed(65) == 65
