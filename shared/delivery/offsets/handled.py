"""The handled offsets as the database keeps them: one small document for each partition.

They are written after the transactions of the batches, and before the offsets are committed to the broker.
So a handled offset never names a record that is not in the facts, and a committed offset of ours never
passes a handled one ([ADR 104](docs/adr/0104-handled-offsets.md)).
"""

from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.offsets.verdict import HandledOffset
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

HANDLED: Final = "handled_offsets"
_DUPLICATE_KEY: Final = 11000


async def note_earlier_version(mongo: Mongo) -> None:
    """Notes the localities that an earlier version handled. Their committed offsets count once.

    To be called before any fact is stored: later, facts do not tell an earlier version from a first start.

    Raises:
        PyMongoError: the database is away.
    """
    if HANDLED in await mongo.database.list_collection_names():
        return
    for locality in await mongo[REFERRALS].distinct("locality"):
        await mongo[HANDLED].update_one({"_id": _adopts(locality)}, {"$setOnInsert": {}}, upsert=True)


class HandledOffsets:
    """The handled offsets of one locality."""

    def __init__(self, mongo: Mongo, locality: str) -> None:
        self._mongo = mongo
        self._locality = locality

    async def read(self) -> dict[TopicPartition, HandledOffset]:
        """All handled offsets of the locality.

        Raises:
            PyMongoError: the database is away.
        """
        rows = await self._mongo[HANDLED].find({"locality": self._locality}).to_list(None)
        return {
            TopicPartition(row["topic"], row["partition"]): HandledOffset(
                row["log"], row["next"], row["disregards"]
            )
            for row in rows
        }

    async def adopts(self) -> bool:
        """True if an earlier version, which kept no handled offsets, handled this locality.

        Raises:
            PyMongoError: the database is away.
        """
        return await self._mongo[HANDLED].find_one({"_id": _adopts(self._locality)}) is not None

    async def add(self, offsets: Mapping[TopicPartition, HandledOffset]) -> None:
        """Adds partitions that the database does not know yet. Another process may add them first.

        Raises:
            PyMongoError: the database is away.
        """
        rows = [self._row(at, offset) for at, offset in offsets.items()]
        if not rows:
            return
        try:
            await self._mongo[HANDLED].insert_many(rows, ordered=False)
        except BulkWriteError as error:
            codes = {problem.get("code") for problem in (error.details or {}).get("writeErrors", [])}
            if codes != {_DUPLICATE_KEY}:
                raise

    async def advance(
        self, offsets: Mapping[TopicPartition, int], logs: Mapping[TopicPartition, str]
    ) -> bool:
        """Raises handled offsets, in one write. A lower one changes nothing: its process slept meanwhile.

        Returns:
            False if an operator has accepted another log of a partition, or its row is gone.

        Raises:
            PyMongoError: the database is away; some may have been written.
        """
        writes = [
            UpdateOne({"_id": _key(at), "log": logs[at]}, {"$max": {"next": offset}})
            for at, offset in offsets.items()
            if at in logs
        ]
        if not writes:
            return not offsets
        done = await self._mongo[HANDLED].bulk_write(writes, ordered=False)
        return bool(done.matched_count == len(offsets))

    async def catch_up(self, offsets: Mapping[TopicPartition, HandledOffset]) -> None:
        """Raises handled offsets to what a rebuild has folded, and adds missing ones.

        Raises:
            PyMongoError: the database is away.
        """
        for at, offset in offsets.items():
            row = self._row(at, offset)
            identity, reached = row.pop("_id"), row.pop("next")
            change = {"$max": {"next": reached}, "$setOnInsert": row}
            await self._mongo[HANDLED].update_one({"_id": identity}, change, upsert=True)

    async def disregard(self, offsets: Mapping[TopicPartition, HandledOffset]) -> None:
        """Raises up to where committed offsets do not count, and adds missing partitions.

        Raises:
            PyMongoError: the database is away.
        """
        for at, offset in offsets.items():
            row = self._row(at, offset)
            highest = {name: row.pop(name) for name in ("next", "disregards")}
            change = {"$max": highest, "$setOnInsert": row}
            await self._mongo[HANDLED].update_one({"_id": row.pop("_id")}, change, upsert=True)

    async def replace(self, offsets: Mapping[TopicPartition, HandledOffset]) -> None:
        """Writes these offsets over what was there, as an operator has decided.

        Raises:
            PyMongoError: the database is away.
        """
        for at, offset in offsets.items():
            row = self._row(at, offset)
            await self._mongo[HANDLED].update_one({"_id": row.pop("_id")}, {"$set": row}, upsert=True)

    def _row(self, at: TopicPartition, offset: HandledOffset) -> Document:
        return {
            "_id": _key(at),
            "locality": self._locality,
            "topic": at.topic,
            "partition": at.partition,
            "log": offset.log,
            "next": offset.next,
            "disregards": offset.disregards,
        }


def _key(at: TopicPartition) -> str:
    return f"{at.topic}/{at.partition}"


def _adopts(locality: str) -> str:
    return f"adopts {locality}"
