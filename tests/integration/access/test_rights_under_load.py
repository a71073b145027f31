"""Rights of one locality taken and given back while two localities publish at a steady rate."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.contract.events.topics import topic
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.access.declaration import Grant
from shared.platform.clock import system_clock
from tests.harness.access.place import Place, change
from tests.harness.delivery.toy import TOY, created, said

pytestmark = pytest.mark.asyncio(loop_scope="module")
RATE, WARM_UP, SECONDS = 20, 2.0, 5.0
PATIENCE = 30.0


@dataclass
class Load:
    """Referrals said in two localities, and the meetings that the service published for them.

    Attributes:
        said: the referrals by locality.
        published: each record of a meeting: locality, referral, id of the event.
        waits: seconds from the decision, which writes the outbox row, to the record; by locality.
    """

    place: Place
    producer: AIOKafkaProducer
    said: dict[str, list[str]] = field(default_factory=dict)
    published: list[tuple[str, str, str]] = field(default_factory=list)
    waits: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)

    async def say(self, seconds: float) -> tuple[datetime, datetime]:
        """Says a referral in each locality at a steady rate; returns begin and end."""
        loop, began = asyncio.get_running_loop(), system_clock()
        start = loop.time()
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, start + number / RATE - loop.time()))
            for locality in (self.place.here, self.place.alike):
                event = said(created(locality))
                referral = event.body.referral_id
                self.said.setdefault(locality, []).append(referral)
                await self.producer.send(
                    event.topic(), event.raw, key=referral.encode(), headers=event.headers()
                )
        return began, system_clock()

    async def listen(self, reader: AIOKafkaConsumer) -> None:
        async for record in reader:
            now, headers = system_clock(), {name: value.decode() for name, value in record.headers}
            locality = record.topic.partition(".")[0]
            decided = datetime.fromisoformat(headers["ce_recordedtime"])
            self.published.append((locality, (record.key or b"").decode(), headers["ce_id"]))
            self.waits.setdefault(locality, []).append((decided, (now - decided).total_seconds()))

    async def all_published(self) -> None:
        """Waits until every referral has a meeting."""
        async with asyncio.timeout(PATIENCE):
            while any(self.missing(locality) for locality in self.said):
                await asyncio.sleep(0.05)

    def missing(self, locality: str) -> set[str]:
        return set(self.said[locality]) - {referral for _, referral, _ in self.published}

    def p99(self, locality: str, period: tuple[datetime, datetime]) -> float:
        began, ended = period
        waits = sorted(wait for decided, wait in self.waits[locality] if began <= decided <= ended)
        return waits[int(0.99 * (len(waits) - 1))]


@asynccontextmanager
async def load(place: Place) -> AsyncIterator[Load]:
    names = [topic(locality, "meeting-booked") for locality in (place.here, place.alike)]
    reader = AIOKafkaConsumer(*names, **place.kafka.client_arguments(), auto_offset_reset="earliest")
    async with AIOKafkaProducer(**place.as_user("referral").client_arguments()) as producer, reader:
        made = Load(place, producer)
        listening = asyncio.create_task(made.listen(reader))
        yield made
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_taken_rights_delay_no_other_locality(place: Place, mongo_url: str) -> None:
    await create_topics(place.kafka, [place.here, place.alike], partitions=1)
    options = Options(
        place.as_user("matching"), mongo_url, f"test_{place.here}_load", b"a key", session_timeout_ms=3000
    )
    writes = Grant("matching", "topic", "prefixed", f"{place.here}.", "write")
    kernel = Kernel(TOY, options, [place.here, place.alike])
    async with kernel.running(), load(place) as loaded:
        await loaded.say(WARM_UP)
        await loaded.all_published()
        before = await loaded.say(SECONDS)
        await change(place, [], [writes])
        during = await loaded.say(SECONDS)
        waiting = await kernel.mongo[OUTBOX].count_documents({"not_before": {"$ne": None}})
        await change(place, [writes], [])
        after = await loaded.say(SECONDS)
        await loaded.all_published()
        # Without a restart: the same service published what had waited.
        assert kernel.live()
        assert waiting > 0
        published = Counter(event for *_, event in loaded.published)
        meetings = Counter(referral for _, referral, _ in loaded.published)
        for counted in (published, meetings):
            assert [what for what, times in counted.items() if times > 1] == []
        # Both periods without the refusal say how noisy the machine is.
        usual = max(loaded.p99(place.alike, period) for period in (before, after))
        assert loaded.p99(place.alike, during) < max(3 * usual, 0.5)
