"""One process's knowledge of ownership, and the slots by which its transactions are fenced."""

import heapq
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.contract.events.topics import SourcePart, our_parts
from shared.delivery.model.errors import Conflict, NotOwner
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.ownership.fence import Fence
from shared.delivery.ownership.standing import (
    CHANGED,
    OWNERSHIP,
    Key,
    Standing,
    TableOwner,
    agrees,
    document_id,
    first_document,
    held_document,
    slot_id,
)
from shared.delivery.restored.marker import is_restored

# Slots that one transaction makes for the next ones too.
_SLOTS_AT_ONCE: Final = 8
_DUPLICATE_KEY: Final = 11000

T = TypeVar("T")
TableOwnerOf = Callable[[str, SourcePart], TableOwner]


class Ownership:
    """The parts of one service in the localities that its process serves."""

    def __init__(
        self,
        mongo: Mongo,
        lane: str,
        parts: Sequence[SourcePart],
        localities: Sequence[str],
        table: TableOwnerOf,
    ) -> None:
        """`table` tells the owner by the table in force."""
        self._mongo = mongo
        self._lane = lane
        self._parts = parts
        self._localities = localities
        self._table = table
        self._known: dict[Key, Standing] = {}
        # Parts whose documents are there. None is ever removed.
        self._there: set[Key] = set()
        # Parts that this service speaks for in localities that it does not serve, or not yet.
        self._others: set[Key] = set()
        self._joined: set[tuple[Key, int]] = set()
        self._free: list[int] = []
        self._numbers = 0

    @property
    def keys(self) -> list[Key]:
        """Each part in each locality."""
        return [(locality, part) for locality in self._localities for part in self._parts]

    def table(self, locality: str, part: SourcePart) -> TableOwner:
        """The owner by the table in force."""
        return self._table(locality, part)

    def standing(self, locality: str, part: SourcePart) -> Standing:
        """The standing when it was last read."""
        return self._known.get((locality, part), Standing())

    def owns(self, locality: str, part: SourcePart) -> bool:
        """True if database and table say that decisions of the part are made here."""
        standing = self.standing(locality, part)
        return standing.decides and agrees(standing, self._table(locality, part))

    def is_ended(self, source: str, epoch: int) -> bool:
        """True if what a source of ours decided in this epoch may not be published any more."""
        locality = source.split("/")[1]
        return any(
            epoch < max(self.standing(locality, part).epoch, self._table(locality, part).epoch)
            for part in our_parts(source)
        )

    def detail(self) -> dict[str, dict[str, Any]]:
        """The owner and the standing of each part, by locality, for /readyz."""
        parts: dict[str, dict[str, Any]] = {}
        for locality, part in self.keys:
            standing = self.standing(locality, part)
            parts.setdefault(locality, {})[part] = {
                "owner": self._table(locality, part).owner,
                "epoch": standing.epoch,
                "decides": self.owns(locality, part),
                "looked": standing.looked,
                "held": standing.held,
            }
        return parts

    async def refresh(self) -> None:
        """Reads the standings, and makes missing documents.

        Most parts stand as they did at first, so the database sends the others alone. A process may serve
        hundreds of localities, and reads every second.

        Raises:
            PyMongoError: the database is away.
        """
        keys = {*self.keys, *self._others}
        found = dict.fromkeys(keys & self._there, Standing())
        found |= await self._read(keys & self._there, CHANGED)
        found |= await self._read(keys - self._there)
        missing = [key for key in keys if key not in found]
        if missing:
            made = held_document if await is_restored(self._mongo) else first_document
            try:
                await self._mongo[OWNERSHIP].insert_many(map(made, missing), ordered=False)
            except BulkWriteError as error:  # Another process has just made one.
                if {each.get("code") for each in (error.details or {}).get("writeErrors", [])} != {
                    _DUPLICATE_KEY
                }:
                    raise
            found |= await self._read(missing)
        self._there |= found.keys()
        self._known = found

    async def _read(
        self, keys: Collection[Key], which: Mapping[str, object] = MappingProxyType({})
    ) -> dict[Key, Standing]:
        if not keys:
            return {}
        named = {document_id(key): key for key in keys}
        rows = self._mongo[OWNERSHIP].find({"_id": {"$in": list(named)}, **which})
        return {named[row["_id"]]: Standing.of(row) async for row in rows}

    def fence(self, tx: Transaction) -> Fence:
        """The fence of a transaction that has read nothing yet.

        Until its end no other transaction writes the slots of its number. A slot that was written after its
        first read would be a conflict.
        """
        if self._free:
            number = heapq.heappop(self._free)
        else:
            number, self._numbers = self._numbers, self._numbers + 1
        tx.when_ended(lambda _: heapq.heappush(self._free, number))
        return Fence(self, number)

    async def fenced(self, key: Key, work: Callable[[Transaction], Awaitable[T]], tx: Transaction) -> T:
        """Does this within a transaction, as the owner of a part.

        Raises:
            NotOwner: the part has another owner, or changes hands.
            Conflict: so it does by now.
        """
        fence = self.fence(tx)
        if not fence.owns(*key):
            raise NotOwner(*key)
        done = await work(tx)
        await fence.write(tx)
        return done

    async def write(self, tx: Transaction, number: int, rests: dict[Key, Standing]) -> None:
        """Writes the slots of this number: one statement, unless one of them is new.

        Raises:
            Conflict: a standing is another by now, and was read again.
        """
        new = [key for key in rests if (key, number) not in self._joined]
        old = [key for key in rests if key not in new]
        wanted = [UpdateOne(_as_known(slot_id(key, self._lane, number), rests[key]), _WRITTEN) for key in old]
        wanted += [UpdateOne(_as_known(document_id(key), rests[key]), _JOINED) for key in new]
        done = await tx[OWNERSHIP].bulk_write(wanted, session=tx.session, ordered=False)
        if done.matched_count != len(wanted):
            self._others |= rests.keys()
            await self.refresh()
            # Where the standing is the same, the slot is gone: slots are forgotten after a day.
            gone = {key for key in rests if _is_same(self.standing(*key), rests[key])}
            self._joined = {each for each in self._joined if each[0] not in gone}
            raise Conflict("the owner of a part has changed")
        if new:
            await self._join(tx, number, {key: rests[key] for key in new})

    async def _join(self, tx: Transaction, number: int, rests: dict[Key, Standing]) -> None:
        """Makes slots. Their transaction has written the document, so that no flip overlooks them."""
        first = number - number % _SLOTS_AT_ONCE
        numbers = range(first, first + _SLOTS_AT_ONCE)
        made = [
            UpdateOne(
                {"_id": slot_id(key, self._lane, each)},
                {
                    "$setOnInsert": {
                        "locality": key[0],
                        "part": key[1],
                        "lane": self._lane,
                        "epoch": standing.epoch,
                        "decides": standing.decides,
                        "written": 0,
                    },
                    "$currentDate": {"joined": True},
                },
                upsert=True,
            )
            for key, standing in rests.items()
            for each in numbers
        ]
        await tx[OWNERSHIP].bulk_write(made, session=tx.session, ordered=False)
        joined = {(key, each) for key in rests for each in numbers}

        def ended(committed: bool) -> None:
            if committed:
                self._joined |= joined

        tx.when_ended(ended)


_WRITTEN: Final = {"$inc": {"written": 1}}
_JOINED: Final = {"$inc": {"joins": 1}}


def _is_same(one: Standing, other: Standing) -> bool:
    return (one.epoch, one.decides) == (other.epoch, other.decides)


def _as_known(identity: str, standing: Standing) -> dict[str, object]:
    return {"_id": identity, "epoch": standing.epoch, "decides": standing.decides}
