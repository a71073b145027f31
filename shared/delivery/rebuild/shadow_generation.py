"""The generation that is made, beside the live one, and the log that both come from."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.delivery.consumer.incoming import decode
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.kernel import FOLD_INDEX
from shared.delivery.model.facts import same_body
from shared.delivery.rebuild.bulk import fold_in_bulk, tasks
from shared.delivery.rebuild.comparing import Compared, compare_all, compare_derived, compare_these
from shared.delivery.rebuild.dead_letter_positions import as_records, places_of, replayed, unpublished
from shared.delivery.rebuild.folding import Folding
from shared.delivery.rebuild.generations import names_of
from shared.delivery.rebuild.log import (
    OffsetRange,
    Positions,
    around,
    committed,
    consumer,
    offset_ranges,
    read,
)
from shared.delivery.rebuild.report import Refused, Report, Say
from shared.delivery.rebuild.source import Place, Rebuildable, Source
from shared.delivery.rebuild.switching import LiveRow, nothing_kept
from shared.delivery.rebuild.watching import Changes
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, case_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

_LEVEL: Final = 300
"""Records that a round may bring and still be called level: they take no longer than a blink."""
_LEVEL_WITHIN: Final = 120.0
_MOST_LAG: Final = 10_000
_PAGE: Final = 5000


class ShadowGeneration:
    """The generation that is made, beside the live one, and the log that both come from."""

    def __init__(
        self, source: Source, part: Rebuildable, localities: Sequence[str], live: LiveRow, number: int
    ) -> None:
        self._source = source
        self._part = part
        self._given = localities
        self.live = live
        self.number = number
        self.live_mongo = self._source.mongo(self._part, live.number)
        self.new = self._source.mongo(self._part, number)
        self._folding = Folding(self._part, self.new)
        self._open = AsyncExitStack()
        self._reader: AIOKafkaConsumer
        self._localities: list[str] = []
        self._partitions: list[TopicPartition] = []
        self._replayed: frozenset[Place] = frozenset()
        """What had been replayed when it began."""

    async def __aenter__(self) -> "ShadowGeneration":
        self._open.push_async_callback(self.live_mongo.close)
        self._open.push_async_callback(self.new.close)
        self._reader = await self._open.enter_async_context(consumer(self._source.kafka_bootstrap))
        await self.live_mongo.make(self._part.derived)  # where a service never ran, or they were lost
        known = await self.live_mongo[REFERRALS].distinct("locality")
        self._localities = sorted({*self._given, *known})
        topics = [topic for name in self._localities for topic in event_topics(name)]
        self._partitions = await partitions_of(self._source.kafka_bootstrap, topics)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def log_must_be_whole(self) -> None:
        """Nothing is to be dropped for what cannot be made.

        Raises:
            Refused: it was trimmed.
        """
        starts: Positions = await self._reader.beginning_offsets(self._partitions)
        if any(starts.values()):
            raise Refused("The log does not begin at its beginning any more: it cannot be folded anew.")

    async def must_be_there(self) -> None:
        """A generation of which collections are gone is nothing to go back to, and is kept no longer.

        Raises:
            Refused: it is such a one.
            NotClosed: so it is, and somebody else changes the generation.
        """
        there = set(await self.new.database.list_collection_names())
        gone = sorted(set(names_of(self._part.derived, self.number).values()) - there)
        if gone:
            self.live = await nothing_kept(self.live_mongo, self.live)
            raise Refused(
                f"There is nothing to go back to: generation {self.number} was kept, but lacks "
                f"{', '.join(gone)} by now."
            )

    async def drop_others(self) -> None:
        """Makes room: what is neither live nor about to be made is dropped, the generation kept too.

        Raises:
            NotClosed: somebody else changes the generation; nothing was dropped.
        """
        self.live = await nothing_kept(self.live_mongo, self.live)  # before it is gone
        there = set(await self.new.database.list_collection_names())
        live = set(names_of(self._part.derived, self.live.number).values())
        for base in self._part.derived:
            for name in there - live:
                if name == base or name.startswith(f"{base}.g"):
                    await self.new.database.drop_collection(name)
        await self.new.make(self._part.derived)

    async def fold_log(self, report: Report, processes: int, say: Say) -> Positions:
        """Folds all that was handled when it began; gives how far that was."""
        part = self._part.part.name
        handled = await committed(self._source.kafka_bootstrap, self._localities, part)
        handled = {at: handled.get(at, 0) for at in self._partitions}
        aside = frozenset(await self._set_aside() - self._replayed)
        counts = {at.topic: sum(at.topic == other.topic for other in handled) for at in handled}
        work = tasks(self._source, self.number, offset_ranges({}, handled), counts, aside)
        total = sum(handled.values())
        ended = await fold_in_bulk(work, processes, lambda done: say(f"  {done} of {total} records"))
        if ended.strays:
            self._folding.take(stray for stray in ended.strays if _place(stray) not in aside)
            await self._folding.fold(fresh=False)
        await self._take_again(aside, handled)
        ended.folded.facts += self._folding.done.facts
        report.folded = ended.folded
        return handled

    async def bring_back(self, positions: Positions) -> None:
        """What had been set aside when this generation was closed, and has been taken since, lies before
        `positions`, up to which it had heard everything else."""
        await self._take_again(await self._set_aside() | self._replayed, positions)

    async def _take_again(self, places: Iterable[Place], positions: Positions) -> set[str]:
        """A letter alone does not say that its record was never taken: it may have been replayed, and the
        letter discarded after that; or the stream was stopped, and began its batch again. What the live
        generation has heard was heard. What lies after `positions` is yet to be read."""
        wanted = {at for at in places if at[2] < positions.get(TopicPartition(at[0], at[1]), 0)}
        touched, _ = await self._take_known(_those(wanted, self._read(around(wanted))))
        return touched

    async def _set_aside(self) -> set[Place]:
        """The places of all records that letters speak of, those that were taken since among them."""
        waiting = await unpublished(self.live_mongo)
        places = places_of(dict(message.headers) for message in waiting)
        letters = await partitions_of(self._source.kafka_bootstrap, [dead_letter_topic(self._part.part.name)])
        starts = await self._reader.beginning_offsets(letters)
        ends = await self._reader.end_offsets(letters)
        async for records in read(self._reader, offset_ranges(starts, ends)):
            places |= places_of(
                {name: (value or b"").decode(errors="replace") for name, value in record.headers}
                for record in records
            )
        self._replayed = frozenset(await replayed(self.live_mongo))
        return places

    async def ensure_indexes(self) -> None:
        await self.new[REFERRALS].create_indexes([FOLD_INDEX])
        await self._part.ensure_indexes(self.new)

    async def compare(self) -> Compared:
        """All of it. What has changed since is compared again."""
        return await compare_all(self.live_mongo, self.live.number, self.number, self._localities)

    async def get_level(self, positions: Positions, report: Report, changes: Changes) -> set[str]:
        """Follows the live generation until it is level; gives what is unlike still, and brings `positions`
        on."""
        unlike = report.compared.unlike
        end = asyncio.get_running_loop().time() + _LEVEL_WITHIN
        while True:
            handled = await committed(self._source.kafka_bootstrap, self._localities, self._part.part.name)
            parts = offset_ranges(positions, handled)
            _, taken = await self._take_known(self._read(parts))
            positions |= handled
            unlike = (await self._again(unlike | await changes.so_far())).unlike
            if taken <= _LEVEL:
                break
            if asyncio.get_running_loop().time() > end:
                raise Refused("It does not get level: try again when there is less to do.")
        ends: Positions = await self._reader.end_offsets(self._partitions)
        lag = sum(part.end - part.start for part in offset_ranges(positions, ends))
        if lag > _MOST_LAG:
            raise Refused(f"The service is {lag} records behind: let it work them off, or stop it.")
        return unlike

    async def finish(
        self,
        positions: Positions,
        unlike: set[str],
        changes: Changes,
        report: Report,
    ) -> dict[tuple[str, int], int]:
        """The last of it, while nobody writes the live one; gives how far the service had come."""
        waiting = as_records(await unpublished(self.live_mongo))  # before the ends of the log
        ends: Positions = await self._reader.end_offsets(self._partitions)
        touched, _ = await self._take_known(_and_then(self._read(offset_ranges(positions, ends)), waiting))
        touched |= await self._take_again(await replayed(self.live_mongo) - self._replayed, positions)
        handled, changed, report.figures = await asyncio.gather(
            committed(self._source.kafka_bootstrap, self._localities, self._part.part.name),
            changes.so_far(),
            compare_derived(self.live_mongo, self.live.number, self.number, self._part.part.derived),
        )
        last = await self._again(unlike | touched | changed)
        whole = report.compared
        whole.missing, whole.extra, whole.views, whole.unlike = (
            last.missing,
            last.extra,
            last.views,
            last.unlike,
        )
        return {(at.topic, at.partition): offset for at, offset in handled.items()}

    async def _again(self, identities: Iterable[str]) -> Compared:
        return await compare_these(self.live_mongo, self.live.number, self.number, identities)

    async def _read(self, parts: Sequence[OffsetRange]) -> AsyncIterator[list[Any]]:
        """Several stretches of one partition are read one after the other."""
        left = list(parts)
        while left:
            now: dict[tuple[str, int], OffsetRange] = {}
            for part in left:
                now.setdefault((part.topic, part.partition), part)
            async for records in read(self._reader, list(now.values())):
                yield records
            left = [part for part in left if part not in now.values()]

    async def _take_known(self, pages: AsyncIterator[list[Any]]) -> tuple[set[str], int]:
        """Folds of these records what the live generation has taken in, and nothing else: a fact that it has
        not heard it must still hear as new, or nobody would decide on it."""
        touched: set[str] = set()
        count = 0
        async for records in pages:
            count += len(records)
            for start in range(0, len(records), _PAGE):
                touched |= await self._take_page(records[start : start + _PAGE])
        return touched, count

    async def _take_page(self, records: Sequence[Record]) -> set[str]:
        incoming, _ = decode(records)
        of = {
            id(item): case_id(item.heard.fact.body.locality, item.heard.fact.body.referral_id)
            for item in incoming
        }
        rows = self.live_mongo[REFERRALS].find({"_id": {"$in": list(set(of.values()))}})
        known = {
            row["_id"]: ReferralAggregate.from_document(self._part.part, row).known async for row in rows
        }
        ours = [
            item
            for item in incoming
            if (body := known.get(of[id(item)], {}).get(item.heard.fact.key)) is not None
            and same_body(body, item.heard.raw)
        ]
        self._folding.take(item.record for item in ours)
        await self._folding.fold(fresh=False)
        return {of[id(item)] for item in ours}


async def _and_then(pages: AsyncIterator[list[Any]], last: list[Any]) -> AsyncIterator[list[Any]]:
    async for page in pages:
        yield page
    if last:
        yield last


async def _those(places: Collection[Place], pages: AsyncIterator[list[Any]]) -> AsyncIterator[list[Any]]:
    async for page in pages:
        yield [record for record in page if _place(record) in places]


def _place(record: Record) -> Place:
    return record.topic, record.partition, record.offset
