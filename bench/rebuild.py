"""Measures the time of a rebuild.

    python -m bench.rebuild [--events 1000000] [--services evaluation matching]

The log holds whole journeys: a referral, its meeting, that it was attended, a contact. The first generation
is folded from it too, so that the second is compared with one of the same size, as in a real rebuild.
"""

import argparse
import asyncio
import os
import random
import resource
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from bench.events import Record, newcomers
from bench.processes import cpu_seconds
from bench.stores import Stores, embedded_stores
from bench.topics import PARTITIONS, Topics
from linkwork.service_definitions import maker
from shared.contract.authority import parts_of
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.fact import kind_of
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.outcomes import ContactAttempted, MeetingAttended
from shared.contract.events.topics import EVENTS, EventName, group, source, topic
from shared.contract.events.vocabulary import Channel
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source
from shared.platform.ids import new_id
from shared.platform.localities import LOCALITIES_FILE

LOCALITIES = ("meir", "longton", "shelton")
_PLACEHOLDERS = tuple(f"00000000-0000-7000-8000-00000000000{digit}" for digit in "123")
_TIME = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class _LaterEvents:
    """The events of a referral after its creation. The models write them once; ids are inserted as text."""

    def __init__(self, locality: str) -> None:
        referral, meeting, self._event = _PLACEHOLDERS
        where: dict[str, Any] = {"referral_id": referral, "locality": locality}
        starts = _TIME + timedelta(days=4)
        booked = MeetingBooked(
            **where,
            meeting_id=meeting,
            sequence=0,
            link_worker=f"lw-{locality}-1",
            practice="M83100",
            starts_at=starts,
            minutes=45,
        )
        bodies: Sequence[EventBody] = (
            booked,
            MeetingAttended(**where, meeting_id=meeting),
            ContactAttempted(**where, channel=Channel.PHONE, reached=True),
        )
        self._envelopes = [self._envelope(locality, body) for body in bodies]

    def _envelope(self, locality: str, body: EventBody) -> Envelope:
        raw = body.to_json()
        said = source(locality, parts_of(kind_of(event_of(body), body))[0])
        return Envelope(self._event, said, event_of(body), _TIME, _TIME, body, raw, body.referral_id)

    def after(self, created: Record) -> Iterator[tuple[EventName, Record]]:
        referral, meeting, event = (name.encode() for name in _PLACEHOLDERS)
        booked = new_id().encode()
        for envelope in self._envelopes:
            ids = {referral: created.key, event: new_id().encode()}
            headers = [(name, ids.get(value, value)) for name, value in envelope.headers()]
            value = envelope.raw.replace(referral, created.key).replace(meeting, booked)
            yield envelope.event, Record(created.key, value, headers, new=False)


def journeys(locality: str, count: int) -> dict[EventName, list[Record]]:
    """Makes this number of records, by topic: two to four for each referral."""
    chance, later_events, made = random.Random(count), _LaterEvents(locality), newcomers(locality)
    records: dict[EventName, list[Record]] = {event: [] for event in EVENTS}
    left = count
    while left > 0:
        created = next(made)
        later = list(later_events.after(created))[: chance.randint(1, 3)]
        records["referral-created"].append(created)
        for event, record in later:
            records[event].append(record)
        left -= 1 + len(later)
    return records


async def handled(stores: Stores, topics: Topics, part: str) -> None:
    """Commits the offsets of the service's groups at the end of the topics."""
    for locality in LOCALITIES:
        consumer = AIOKafkaConsumer(
            **stores.kafka.client_arguments(),
            group_id=group(locality, part),  # type: ignore[arg-type]  # one of the four
            enable_auto_commit=False,
        )
        await consumer.start()
        places = [TopicPartition(topic(locality, event), n) for event in EVENTS for n in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.commit({at: OffsetAndMetadata(end, "") for at, end in ends.items()})
        await consumer.stop()


async def measure(stores: Stores, part: str, processes: int) -> None:
    """Builds the first and the second generation of a service, and prints seconds and cost of both."""
    source_ = Source(
        maker(part),  # type: ignore[arg-type]  # one of the four
        LOCALITIES_FILE,
        stores.kafka,
        stores.mongo_url,
        f"bench_{part}",
    )
    for round_, accept in (("first generation", True), ("second generation", False)):
        before = {name: cpu_seconds(pid) for name, pid in stores.pids.items()}
        own = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        began = time.monotonic()
        rebuild = Rebuild(source_, LOCALITIES, say=lambda _: None, processes=processes, accept=accept)
        report = await rebuild.run()
        seconds = time.monotonic() - began
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in stores.pids.items()}
        spent["coordinator"] = resource.getrusage(resource.RUSAGE_SELF).ru_utime - own
        spent["workers"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children
        cpu = ", ".join(f"{name} {used:.1f}" for name, used in spent.items())
        print(
            f"{part}, {round_}: {report.folded.records} records in {seconds:.1f} s, pause {report.pause} s; "
            f"{report.compared.referrals} referrals, {report.compared.facts} facts compared, "
            f"{report.compared.missing} missing; steps {report.seconds}; processor s: {cpu}",
            flush=True,
        )


async def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--services", nargs="+", default=["evaluation", "matching"])
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before the start {os.getloadavg()[0]:.1f}", flush=True)
    async with embedded_stores() as stores, Topics(stores.kafka) as topics:
        began = time.monotonic()
        for locality in LOCALITIES:
            await topics.make_locality(locality)
            for event, records in journeys(locality, asked.events // len(LOCALITIES)).items():
                await topics.fill(topic(locality, event), records)
        print(f"log written in {time.monotonic() - began:.1f} s", flush=True)
        for part in asked.services:
            await handled(stores, topics, part)
            await measure(stores, part, asked.processes)


if __name__ == "__main__":
    asyncio.run(main())
