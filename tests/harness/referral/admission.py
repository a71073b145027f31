"""Admission on a real broker and database, in a locality of its own, with a clock that a test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import AdmissionTable, ProgrammeTable
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import ADMISSION_GROUP, event_topics, inbox_topic, refusals_topic
from shared.delivery.kafka.topics import create_topics
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, load_localities
from tests.harness.referral.partners import NOW, PARTNER, Sent
from tests.harness.referral.running import own_localities


@dataclass
class AdmissionBench:
    """The locality, its partners' sources, and what admission needs to run."""

    locality: str
    options: Options
    localities: Localities
    mongo: Mongo
    producer: AIOKafkaProducer
    now: datetime = NOW
    running: list[Admission] = field(default_factory=list)

    @property
    def source(self) -> str:
        return f"/{self.locality}/{PARTNER}"

    @property
    def neighbour(self) -> str:
        return f"/{self.locality}/history"

    def clock(self) -> datetime:
        return self.now

    def minute_later(self) -> None:
        self.now += timedelta(minutes=1)

    @asynccontextmanager
    async def admission(
        self,
        a_second: float = 1000.0,
        commit_seconds: float = 0.05,
        table: AdmissionTable | None = None,
    ) -> AsyncIterator[Admission]:
        """Admission as a process runs it."""
        keeper, known = RefusalKeeper(self.mongo), table or ProgrammeTable(self.localities)
        settings = replace(self.options, commit_seconds=commit_seconds)
        admission = Admission(
            settings, known, keeper, InboxEnds(self.mongo), [self.locality], a_second, self.clock
        )
        admission.start()
        try:
            yield admission
        finally:
            await admission.stop()

    async def send(self, *records: Sent, source: str | None = None) -> None:
        """Puts records into an inbox, in order."""
        topic = inbox_topic(source or self.source)
        waiting = [
            await self.producer.send(topic, each.value, key=each.key, headers=list(each.headers))
            for each in records
        ]
        await asyncio.gather(*waiting)

    async def copies(self, count: int, seconds: float = 15.0) -> "list[ConsumerRecord[bytes, bytes]]":
        """The copies of what the source said, once there are so many."""
        ours = ("ce_source", self.source.encode())
        topics = event_topics(self.locality)
        return await heard(self.options.kafka, topics, count, seconds, lambda r: ours in r.headers)

    async def refusals(self, count: int, seconds: float = 15.0) -> list[RecordRefused]:
        """The lines on the source's refusals topic, once there are so many."""
        topics = [refusals_topic(self.source)]
        found = await heard(self.options.kafka, topics, count, seconds)
        return [RecordRefused.model_validate_json(record.value or b"") for record in found]

    async def committed(self, offset: int | None, source: str | None = None, seconds: float = 10.0) -> int:
        """The group's offset in an inbox, once it is `offset`, or as it is after so many seconds.

        With None, as soon as there is one.
        """
        place = TopicPartition(inbox_topic(source or self.source), 0)
        admin = AIOKafkaAdminClient(**self.options.kafka.client_arguments())
        await admin.start()
        found = -1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while found != offset:
                        offsets = await admin.list_consumer_group_offsets(ADMISSION_GROUP, partitions=[place])
                        found = offsets[place].offset if place in offsets else -1
                        if offset is None and found > 0:
                            break
                        await asyncio.sleep(0.02)
        finally:
            await admin.close()
        return found


async def heard(
    kafka: KafkaConnection,
    topics: Sequence[str],
    count: int,
    seconds: float = 15.0,
    wanted: "Callable[[ConsumerRecord[bytes, bytes]], bool]" = lambda _: True,
) -> "list[ConsumerRecord[bytes, bytes]]":
    """The records that are wanted, once there are so many, or after so many seconds."""
    found: list[ConsumerRecord[bytes, bytes]] = []
    async with AIOKafkaConsumer(
        *topics, **kafka.client_arguments(), auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += filter(wanted, records)
        for records in (await consumer.getmany(timeout_ms=100)).values():
            found += filter(wanted, records)
    return found


@asynccontextmanager
async def admission_bench(
    folder: Path, kafka: KafkaConnection, mongo_url: str
) -> AsyncIterator[AdmissionBench]:
    """A locality with the topics of its partners; the database is dropped afterwards."""
    path, here, _ = own_localities(folder)
    localities = load_localities(path)
    await create_topics(kafka, [here], localities.by_slug[here].partners())
    database = f"test_{here.replace('-', '_')}"
    options = Options(
        kafka=kafka,
        mongo_url=mongo_url,
        database=database,
        dead_letter_key=b"a key for tests only",
        session_timeout_ms=3000,
    )
    mongo = Mongo(mongo_url, database, name="test-admission")
    producer = AIOKafkaProducer(**kafka.client_arguments(), max_request_size=1_000_000, linger_ms=2)
    await producer.start()
    try:
        yield AdmissionBench(here, options, localities, mongo, producer)
    finally:
        await producer.stop()
        await mongo.client.drop_database(database)
        await mongo.close()
