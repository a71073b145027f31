"""The state of each dead letter: the letter in its topic, with the decision in the database."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.dead_letter_log import FoundLetter
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
class LetterStatus:
    """The newest letter about a record and its state; `result` is the end of the last replay, if any."""

    letter: FoundLetter
    state: State
    result: str = ""


def seal_of(letter: FoundLetter) -> str:
    """A hash that differs between two sealings of a record, and not between two copies of a letter."""
    return hashlib.sha256(letter.message.value).hexdigest()


def newest(letters: Iterable[FoundLetter]) -> list[FoundLetter]:
    """The last letter about each record. A record set aside again, or published twice, has several."""
    found: dict[tuple[Part, str], FoundLetter] = {}
    for letter in letters:
        found.pop((letter.service, letter.place), None)
        found[letter.service, letter.place] = letter
    return list(found.values())


def status_of(letter: FoundLetter, row: Mapping[str, Any] | None) -> LetterStatus:
    """The status of a letter. A decision about an earlier letter does not apply to a later one."""
    if row is None:
        return LetterStatus(letter, "new")
    of = row["of"]
    later = letter.partition != of["partition"] or letter.offset > of["offset"]
    if row["state"] != "asked" and later and of["seal"] != seal_of(letter):
        return LetterStatus(letter, "new", row.get("result", ""))
    return LetterStatus(letter, _SHOWN[row["state"]], row.get("result", ""))


class LetterDecisions:
    """One operator's decisions about one service's letters. Each decision leaves a row for the auditor."""

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

    async def statuses(self, letters: Sequence[FoundLetter]) -> list[LetterStatus]:
        """The letters with their states, in the same order."""
        places = [letter.place for letter in letters]
        found = self._mongo[DEAD_LETTERS].find({"_id": {"$in": places}}, {"sealed": 0, "headers": 0})
        rows = {row["_id"]: row async for row in found}
        return [status_of(letter, rows.get(letter.place)) for letter in letters]

    async def replay(self, letter: FoundLetter, why: str) -> None:
        """Asks the service to take the record again. A second request changes nothing."""

        async def work(tx: Transaction) -> None:
            known = await self._known(tx, letter)
            if known is not None and known["state"] == "asked":
                return
            row = asked_row(self.service, letter.message, self._new_id(), self._clock(), self._operator, why)
            await self._put(tx, letter, known, row, "dead letter replay asked", why)

        await self._mongo.transact(work)

    async def discard(self, letter: FoundLetter, why: str) -> datetime | None:
        """Marks a letter as not to be handled. The letter stays in its topic until retention.

        Returns:
            The time at which the service took the record. Such a letter is not discarded, unless the
            service set the record aside again since.
        """

        async def work(tx: Transaction) -> datetime | None:
            known = await self._known(tx, letter)
            state = status_of(letter, known).state
            if state in ("replayed", "waiting") and (taken := taken_at(known)) is not None:
                return taken
            row: Document = {"letter": letter.id, "locality": letter.locality, "state": "discarded"}
            row |= {"at": self._clock(), "by": self._operator, "why": why}
            await self._put(tx, letter, known, row, "dead letter discarded", why)
            return None

        return await self._mongo.transact(work)

    async def record_opening(self, letter: FoundLetter, why: str) -> None:
        """Records for the auditor that the operator is about to read a letter."""

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
        """Replaces the `known` row. A record that was taken stays taken, so that a rebuild finds it.

        Raises:
            Conflict: the row has changed since it was read.
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
async def decisions_of(config: Config, service: Part) -> AsyncIterator[LetterDecisions]:
    """Connects to a service's decisions.

    Raises:
        CommandError: the database is not that service's, does not answer, or refuses us.
    """
    async with database_of(config, service) as mongo:
        yield LetterDecisions(service, mongo, config.operator)
