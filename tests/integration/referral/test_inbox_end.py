"""The end of an inbox on a real broker: nothing is copied behind it until the part is the source's again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from services.referral.partners.inbox_ends import ended_epoch
from shared.contract.events import vocabulary as v
from shared.contract.events.headers import EPOCH_HEADER
from shared.contract.events.inbox_end import EndOfInbox, InboxEnd
from shared.contract.events.marker import control_source
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import MeetingWaiting
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import event_topics, inbox_topic, refusals_topic
from shared.delivery.kafka.topics import create_topics
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import OURS, Claim
from shared.platform.localities.document import Document, read_document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_claim, with_owner
from tests.harness.control import with_part
from tests.harness.delivery.toy import said
from tests.harness.referral.admission import AdmissionBench, admission_bench, heard
from tests.harness.referral.partners import NOW, Sent, sent

JS = "booking-js"
SINCE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@dataclass
class Place:
    """A locality with a source that brings booking."""

    bench: AdmissionBench
    document: Document

    @property
    def source(self) -> str:
        return f"/{self.bench.locality}/{JS}"

    def table(self, owner: str, epoch: int, to: str | None = None) -> None:
        """Puts another table in force."""
        slug = self.bench.locality
        document = with_owner(self.document, slug, "booking", owner, epoch)
        if to is not None:
            document = with_claim(document, slug, "booking", Claim(to, SINCE))
        self.bench.localities.become(localities_of(document, "a document"))

    def fact(self, epoch: int | str | None = None) -> Sent:
        """A fact that booking says, and the epoch in which it was decided."""
        body: EventBody = MeetingWaiting(
            referral_id=new_id(),
            locality=self.bench.locality,
            reason=v.WaitingReason.NO_SLOT,
            expected_by=NOW.date(),
        )
        record = sent(said(body, JS, time=NOW))
        return record if epoch is None else record.with_header(EPOCH_HEADER, str(epoch).encode())

    def end(self, epoch: int, source: str | None = None) -> Sent:
        body = InboxEnd(locality=self.bench.locality, part="booking", epoch=epoch)
        end = EndOfInbox.of(body, source or self.source, new_id(), NOW)
        headers = tuple((name, value.encode()) for name, value in end.attributes().items())
        return Sent(end.key, end.raw, headers, inbox_topic(self.source))

    async def send(self, *records: Sent) -> None:
        await self.bench.send(*records, source=self.source)

    async def copies(self, count: int, seconds: float = 15.0) -> list[bytes]:
        """The bodies of the copies of what the source said, once there are so many."""
        ours = ("ce_source", self.source.encode())
        topics = event_topics(self.bench.locality)
        found = await heard(self.bench.options.kafka, topics, count, seconds, lambda r: ours in r.headers)
        return sorted(record.value or b"" for record in found)

    async def refusals(self, count: int) -> list[RecordRefused]:
        found = await heard(self.bench.options.kafka, [refusals_topic(self.source)], count)
        return [RecordRefused.model_validate_json(record.value or b"") for record in found]

    async def judged(self, count: int) -> None:
        """Waits until so many records of the inbox are finished with."""
        assert await self.bench.committed(count, self.source) == count


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with admission_bench(tmp_path, kafka, mongo_url) as bench:
        file = read_document(tmp_path / "localities.toml")
        made = Place(bench, with_part(dict(file), JS, "booking", slug=bench.locality))
        made.table(OURS, 0)
        await create_topics(kafka, [bench.locality], [made.source])
        yield made


def bodies(records: Sequence[Sent]) -> list[bytes]:
    return sorted(record.value or b"" for record in records)


async def test_source_that_owns_nothing_is_refused(place: Place) -> None:
    await place.send(place.fact(), place.end(1))
    async with place.bench.admission():
        told = await place.refusals(2)
    assert [(line.offset, line.code, line.pointer) for line in told] == [
        (0, "not_owner", "/source"),
        (1, "not_owner", "/source"),
    ]
    assert await ended_epoch(place.bench.mongo, place.source) is None


async def test_owner_is_copied_to_the_end_of_its_inbox(place: Place) -> None:
    before, behind = [place.fact() for _ in range(3)], [place.fact() for _ in range(2)]
    place.table(JS, 1, to=OURS)
    await place.send(*before, place.end(1), *behind)
    async with place.bench.admission():
        assert await place.copies(3) == bodies(before)
        told = await place.refusals(2)
        assert [(line.offset, line.code) for line in told] == [(4, "not_owner"), (5, "not_owner")]
        assert await ended_epoch(place.bench.mongo, place.source) == 1
        place.table(OURS, 2)
        await place.send(place.fact())
        assert [line.offset for line in await place.refusals(3)] == [4, 5, 6]


async def test_end_survives_a_restart_and_ends_with_a_later_epoch(place: Place) -> None:
    place.table(JS, 1, to=OURS)
    await place.send(place.end(1))
    async with place.bench.admission():
        await place.judged(1)
    await place.send(place.fact())
    async with place.bench.admission():
        assert [line.code for line in await place.refusals(1)] == ["not_owner"]
        again = place.fact(3)
        place.table(JS, 3)
        # A repeat of an end that is passed already does nothing.
        await place.send(place.end(1), again)
        assert await place.copies(1) == bodies([again])
        assert len(await place.refusals(1)) == 1


async def test_word_of_a_former_epoch_is_refused_in_the_next(place: Place) -> None:
    first = [place.fact(), place.fact(1)]
    place.table(JS, 1, to=OURS)
    await place.send(*first, place.end(1))
    async with place.bench.admission():
        assert await place.copies(2) == bodies(first)
        place.table(OURS, 2)
        place.table(JS, 3)
        now = place.fact(3)
        # It wakes after both hand-overs, and sends what it had decided before the first of them.
        await place.send(place.fact(), place.fact(1), place.fact("third"), now)
        assert await place.copies(3) == bodies([*first, now])
        told = await place.refusals(3)
        copy = (await heard(place.bench.options.kafka, event_topics(place.bench.locality), 3))[-1]
    assert [(line.offset, line.code, line.pointer) for line in told] == [
        (offset, "wrong_epoch", "/partepoch") for offset in (3, 4, 5)
    ]
    assert EPOCH_HEADER not in dict(copy.headers)


async def test_second_process_knows_the_end_that_another_passed(place: Place) -> None:
    place.table(JS, 1, to=OURS)
    await place.send(place.fact())
    async with place.bench.admission():
        await place.judged(1)
        async with place.bench.admission():
            await place.send(place.end(1))
            await place.judged(2)
        await place.send(place.fact())
        await place.judged(3)
    assert [line.code for line in await place.refusals(1)] == ["not_owner"]
    assert len(await place.copies(1, 1.0)) == 1


async def test_operator_ends_the_inbox_of_a_silent_owner(place: Place) -> None:
    place.table(JS, 1, to=OURS)
    await place.send(place.end(1, control_source(place.bench.locality)), place.fact())
    async with place.bench.admission():
        assert [line.offset for line in await place.refusals(1)] == [1]
    assert await ended_epoch(place.bench.mongo, place.source) == 1


async def test_end_without_a_hand_over_or_of_another_is_refused(place: Place) -> None:
    place.table(JS, 1)
    fact = place.fact()
    await place.send(place.end(1), place.end(1, f"/{place.bench.locality}/vast-hub"), place.end(2), fact)
    async with place.bench.admission():
        assert await place.copies(1) == bodies([fact])
        told = await place.refusals(3)
    assert [(line.offset, line.code) for line in told] == [
        (0, "no_hand_over"),
        (1, "wrong_source"),
        (2, "not_owner"),
    ]


async def test_what_a_new_owner_says_early_waits_for_the_table(place: Place) -> None:
    early, neighbour = place.fact(), replace(place.fact(), value=None)
    await place.send(early)
    async with place.bench.admission():
        await asyncio.sleep(0.5)
        place.table(JS, 1)
        assert await place.copies(1) == bodies([early])
        await place.send(neighbour)
        assert [line.code for line in await place.refusals(1)] == ["empty_body"]
