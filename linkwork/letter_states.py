"""How each dead letter stands: what lies in the topic, beside what was decided about it."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from linkwork.databases import database_of
from linkwork.letters import FoundLetter
from linkwork.surroundings import Config
from shared.contract.events.topics import Part
from shared.delivery.dlq.rows import DEAD_LETTERS, asked_row, taken_at
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.delivery.mongo.operations import note
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id

State = Literal["new", "waiting", "replayed", "discarded"]
_SHOWN: dict[str, State] = {
    "asked": "waiting",
    "replayed": "replayed",
    "discarded": "discarded",
    "failed": "new",
}


@dataclass(frozen=True)
class Standing:
    """The newest letter about a record and how it stands; `result` is how the last replay ended, if any."""

    letter: FoundLetter
    state: State
    result: str = ""


def seal_of(letter: FoundLetter) -> str:
    """Tells one sealing of a record from the next: the same letter published twice has the same."""
    return hashlib.sha256(letter.message.value).hexdigest()


def newest(letters: Iterable[FoundLetter]) -> list[FoundLetter]:
    """Of several letters about one record, the last: it was set aside again, or published twice."""
    found: dict[tuple[Part, str], FoundLetter] = {}
    for letter in letters:
        found.pop((letter.service, letter.place), None)
        found[letter.service, letter.place] = letter
    return list(found.values())


def standing(letter: FoundLetter, row: Mapping[str, Any] | None) -> Standing:
    """How a letter stands. What was decided about an earlier one says nothing of one set aside since."""
    if row is None:
        return Standing(letter, "new")
    of = row["of"]
    later = letter.partition != of["partition"] or letter.offset > of["offset"]
    if row["state"] != "asked" and later and of["seal"] != seal_of(letter):
        return Standing(letter, "new", row.get("result", ""))
    return Standing(letter, _SHOWN[row["state"]], row.get("result", ""))


class Desk:
    """One service's letters, decided upon by one operator. Every decision leaves a row for the auditor."""

    def __init__(
        self,
        service: Part,
        mongo: Mongo,
        operator: str,
        *,
        clock: Clock = system_clock,
        new_id: NewId = new_id,
    ) -> None:
        self.service = service
        self._mongo = mongo
        self._operator = operator
        self._clock = clock
        self._new_id = new_id

    async def standings(self, letters: Sequence[FoundLetter]) -> list[Standing]:
        places = [letter.place for letter in letters]
        found = self._mongo[DEAD_LETTERS].find({"_id": {"$in": places}}, {"sealed": 0, "headers": 0})
        rows = {row["_id"]: row async for row in found}
        return [standing(letter, rows.get(letter.place)) for letter in letters]

    async def replay(self, letter: FoundLetter, why: str) -> None:
        """Asks the service to take the record again. Asked twice, it is asked once."""

        async def work(tx: Transaction) -> None:
            known = await self._known(tx, letter)
            if known is not None and known["state"] == "asked":
                return
            row = asked_row(self.service, letter.message, self._new_id(), self._clock(), self._operator, why)
            await self._put(tx, letter, known, row, "dead letter replay asked", why)

        await self._mongo.transact(work)

    async def discard(self, letter: FoundLetter, why: str) -> datetime | None:
        """Marks a letter as not to be handled; it stays in its topic until retention.

        One whose record was taken already stays as it is, and the answer is when that was; unless it was set
        aside once more since.
        """

        async def work(tx: Transaction) -> datetime | None:
            known = await self._known(tx, letter)
            stands = standing(letter, known).state
            if stands in ("replayed", "waiting") and (taken := taken_at(known)) is not None:
                return taken
            row: Document = {"letter": letter.id, "locality": letter.locality, "state": "discarded"}
            row |= {"at": self._clock(), "by": self._operator, "why": why}
            await self._put(tx, letter, known, row, "dead letter discarded", why)
            return None

        return await self._mongo.transact(work)

    async def opened(self, letter: FoundLetter, why: str) -> None:
        """Writes down that somebody is about to read a letter."""

        async def work(tx: Transaction) -> None:
            await self._note(tx, letter, "dead letter opened", why)

        await self._mongo.transact(work)

    async def _known(self, tx: Transaction, letter: FoundLetter) -> Row | None:
        fields = {"state": 1, "result": 1, "ended": 1, "taken": 1, "of": 1}
        found: Row | None = await tx[DEAD_LETTERS].find_one({"_id": letter.place}, fields, session=tx.session)
        return found

    async def _put(
        self, tx: Transaction, letter: FoundLetter, known: Row | None, row: Document, what: str, why: str
    ) -> None:
        """Puts the row in the place of what was `known`, and of nothing else. What was taken stays taken:
        whoever folds the log anew must find it.

        Raises:
            Conflict: it is not as it was any more.
        """
        which = {"_id": letter.place} | ({} if known is None else {"state": known["state"]})
        of = {"partition": letter.partition, "offset": letter.offset, "seal": seal_of(letter)}
        taken = taken_at(known)
        rows, whole = tx[DEAD_LETTERS], {**row, "of": of} | ({} if taken is None else {"taken": taken})
        put = await rows.replace_one(which, whole, upsert=known is None, session=tx.session)
        if known is not None and put.matched_count == 0:
            raise Conflict("somebody else decided about the letter")
        await self._note(tx, letter, what, why)

    async def _note(self, tx: Transaction, letter: FoundLetter, what: str, why: str) -> None:
        about: Document = {"place": letter.place, "letter": letter.id}
        await note(tx, self._new_id, self._clock(), what=what, by=self._operator, why=why, about=about)


@asynccontextmanager
async def desk(around: Config, service: Part) -> AsyncIterator[Desk]:
    """A service's desk.

    Raises:
        CannotDo: the database is not that service's, does not answer, or refuses us.
    """
    async with database_of(around, service) as mongo:
        yield Desk(service, mongo, around.operator)
