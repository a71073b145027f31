"""A database in memory: the few operations that the kernel uses, with MongoDB's snapshot isolation.

Every operation first asks `gate` whether it may happen, so that a test decides, await by await, what goes on,
what fails and who is overtaken by whom. As in MongoDB, two transactions that write one document conflict, two
that only read it do not, and a write that changes nothing is no write.
"""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import AutoReconnect, PyMongoError

from shared.delivery.model.errors import Conflict, Held, Transient
from shared.delivery.mongo.database import classified

Document = dict[str, Any]
Gate = Callable[[str], Awaitable[None]]
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Lost(Exception):
    """A request did not take effect, or took effect without an answer."""


@asynccontextmanager
async def asked(gate: Gate, name: str, away: type[Exception]) -> AsyncIterator[None]:
    """Runs its block if the gate permits, even if the answer is to be lost.

    Raises:
        away: it was made to fail.
        CancelledError: so was who asked.
    """
    untold: BaseException | None = None
    try:
        await gate(name)
    except (Lost, CancelledError) as lost:
        untold = away(str(lost)) if isinstance(lost, Lost) else lost
        if lost.args != (f"{name}, unanswered",):
            raise untold from lost
    yield
    if untold is not None:
        raise untold


class Stored:
    """The committed documents of each collection, and the time of the last write of each."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Document] = {}
        self.written: dict[tuple[str, str], int] = {}
        self.clock = 0
        self.open: set[Transaction] = set()

    def of(self, collection: str) -> list[Document]:
        return [document for (name, _), document in self.documents.items() if name == collection]

    def apply(self, writes: Mapping[tuple[str, str], Document | None]) -> None:
        self.clock += 1
        for place, document in writes.items():
            self.written[place] = self.clock
            if document is None:
                self.documents.pop(place, None)
            else:
                self.documents[place] = document


class Transaction:
    """Reads from when it began, and its own writes; a document that somebody else has written is refused."""

    session = None

    def __init__(self, stored: Stored, gate: Gate, owner: object) -> None:
        self._stored = stored
        self.owner = owner
        self._began = stored.clock
        self._seen = dict(stored.documents)
        self._gate = gate
        self.writes: dict[tuple[str, str], Document | None] = {}
        self._calls: list[Callable[[bool], None]] = []
        stored.open.add(self)

    def when_ended(self, call: Callable[[bool], None]) -> None:
        self._calls.append(call)

    def tell(self, *, committed: bool) -> None:
        """Makes the calls of `when_ended`, once its process knows what has become of it."""
        for call in self._calls:
            call(committed)

    def __getitem__(self, collection: str) -> "Collection":
        return Collection(collection, self)

    def asked(self, name: str) -> AbstractAsyncContextManager[None]:
        return asked(self._gate, name, Transient)  # it is given up whatever was done in it

    def read(self, collection: str) -> list[Document]:
        """The documents themselves: who gives them away or changes them makes copies."""
        self._must_be_open()
        seen = {**self._seen, **self.writes}
        return [d for (name, _), d in seen.items() if name == collection and d is not None]

    def write(self, place: tuple[str, str], document: Document | None) -> None:
        self._must_be_open()
        others = any(place in tx.writes for tx in self._stored.open if tx is not self)
        if others or self._stored.written.get(place, 0) > self._began:
            raise Held("write conflict")
        self.writes[place] = document

    def end(self, *, commit: bool) -> None:
        """Ends it, unless it was ended: who was taken for dead finds that out when it wakes up.

        Raises:
            Transient: it was to be committed and is gone.
        """
        if commit:
            self._must_be_open()
            self._stored.apply(self.writes)
        self._stored.open.discard(self)

    def _must_be_open(self) -> None:
        if self not in self._stored.open:
            raise Transient("no such transaction")


class Memory:
    """One process's connection."""

    def __init__(self, stored: Stored, gate: Gate, owner: object) -> None:
        self._stored = stored
        self._gate = gate
        self._owner = owner

    def light(self, collection: str) -> "Collection":
        return self[collection]

    async def transact(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        tx = Transaction(self._stored, self._gate, self._owner)
        committed = False
        try:
            result = await work(tx)
            async with asked(self._gate, "commit", Transient):
                tx.end(commit=True)
            committed = True
        except PyMongoError as error:
            # Of a read beside the transaction, whose own requests raise what the kernel knows.
            raise classified(error) from error
        finally:
            tx.end(commit=False)  # unless it was committed, told or not
            tx.tell(committed=committed)
        return result

    def __getitem__(self, collection: str) -> "Collection":
        return Collection(collection, _Alone(self._stored, self._gate))


class _Alone:
    """Operations outside a transaction, each of its own."""

    def __init__(self, stored: Stored, gate: Gate) -> None:
        self._stored = stored
        self._gate = gate

    def asked(self, name: str) -> AbstractAsyncContextManager[None]:
        return asked(self._gate, name, AutoReconnect)

    def read(self, collection: str) -> list[Document]:
        return self._stored.of(collection)

    def write(self, place: tuple[str, str], document: Document | None) -> None:
        if any(place in tx.writes for tx in self._stored.open):
            raise AutoReconnect("waits for a transaction")
        self._stored.apply({place: document})


class Cursor:
    def __init__(self, find: Callable[[], Awaitable[list[Document]]]) -> None:
        self._find = find
        self._key: str | None = None
        self._most: int | None = None

    def sort(self, key: str, _: int) -> "Cursor":
        self._key = key
        return self

    def limit(self, most: int) -> "Cursor":
        self._most = most
        return self

    async def to_list(self, _: None) -> list[Document]:
        found = await self._find()
        key = self._key
        if key is not None:
            found.sort(key=lambda document: document[key])
        return found[: self._most]

    async def __aiter__(self) -> AsyncIterator[Document]:
        for document in await self._find():
            yield document


class Collection:
    def __init__(self, name: str, on: Transaction | _Alone) -> None:
        self._name = name
        self._on = on

    def find(self, which: Document, fields: Document | None = None, session: None = None) -> Cursor:
        async def found() -> list[Document]:
            async with self._on.asked(f"find {self._name}"):
                rows = [deepcopy(each) for each in self._on.read(self._name) if matches(each, which)]
            if isinstance(self._on, _Alone):
                async with self._on.asked("answer"):  # by now others may have written more
                    pass
            return rows

        return Cursor(found)

    async def find_one(
        self, which: Document, fields: Document | None = None, session: None = None
    ) -> Document | None:
        found = await self.find(which).to_list(None)
        return found[0] if found else None

    async def insert_many(self, rows: Sequence[Document], session: None = None, ordered: bool = True) -> None:
        async with self._on.asked(f"insert {self._name}"):
            there = {document["_id"] for document in self._on.read(self._name)}
            for row in rows:
                if row["_id"] in there:
                    raise Conflict("duplicate key")
                self._on.write((self._name, row["_id"]), deepcopy(dict(row)))

    async def insert_one(self, row: Document, session: None = None) -> None:
        await self.insert_many([row])

    async def bulk_write(
        self, writes: Iterable[UpdateOne | DeleteOne], session: None = None, ordered: bool = True
    ) -> "Done":
        done = Done()
        async with self._on.asked(f"write {self._name}"):
            for write in writes:
                if isinstance(write, DeleteOne):
                    self._delete(write._filter, 1)
                else:
                    done.matched_count += self._update(write._filter, write._doc, bool(write._upsert))
        return done

    async def update_one(
        self, which: Document, change: "Change", upsert: bool = False, session: None = None
    ) -> "Done":
        return await self.bulk_write([UpdateOne(which, change, upsert=upsert)])

    async def delete_one(self, which: Document, session: None = None) -> "Done":
        async with self._on.asked(f"delete {self._name}"):
            return self._delete(which, 1)

    async def delete_many(self, which: Document, session: None = None) -> "Done":
        async with self._on.asked(f"delete {self._name}"):
            return self._delete(which, None)

    def _delete(self, which: Mapping[str, Any], most: int | None) -> "Done":
        gone = [d for d in self._on.read(self._name) if matches(d, which)][:most]
        for document in gone:
            self._on.write((self._name, document["_id"]), None)
        return Done(deleted_count=len(gone))

    def _update(self, which: Mapping[str, Any], change: "Change", upsert: bool) -> int:
        found = [d for d in self._on.read(self._name) if matches(d, which)][:1]
        if not found and upsert:
            made = {"_id": which["_id"]}
            if isinstance(change, Mapping):
                made |= change.get("$setOnInsert", {})
            self._on.write((self._name, made["_id"]), changed(made, change))
        for document in found:
            after = changed(deepcopy(document), change)
            if after != document:
                self._on.write((self._name, document["_id"]), after)
        return len(found)


class Done:
    def __init__(self, matched_count: int = 0, deleted_count: int = 0) -> None:
        self.matched_count = matched_count
        self.deleted_count = deleted_count


Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Operators, or a pipeline of them."""


def changed(document: Document, change: Change) -> Document:
    if not isinstance(change, Mapping):
        for step in change:
            if "$replaceWith" in step:
                document = worth(document, step["$replaceWith"])
            document.update({name: worth(document, what) for name, what in step.get("$set", {}).items()})
            document.pop(step.get("$unset", ""), None)
        return document
    document.update(change.get("$set", {}))
    for name, by in change.get("$inc", {}).items():
        document[name] = document.get(name, 0) + by
    for name, least in change.get("$max", {}).items():
        document[name] = max(document.get(name, least), least)
    for name, what in change.get("$push", {}).items():
        document[name] = [*document.get(name, []), *what["$each"]]
    return document


_OPERATORS = frozenset({"$literal", "$mergeObjects", "$ifNull", "$lte", "$add"})


def worth(document: Document, what: Any) -> Any:
    """The value of an expression. No time passes in here: it is always the first moment."""
    if what == "$$ROOT":
        return document
    if what == "$$NOW":
        return BEGINNING
    if isinstance(what, str) and what.startswith("$"):
        return document.get(what[1:])
    if not isinstance(what, dict):
        return what
    if what.keys().isdisjoint(_OPERATORS):
        return {name: worth(document, each) for name, each in what.items()}
    ((operator, of),) = what.items()
    if operator == "$literal":
        return of
    if operator == "$mergeObjects":
        return {name: value for each in of for name, value in worth(document, each).items()}
    first, second = (worth(document, each) for each in of)
    if operator == "$ifNull":
        return second if first is None else first
    if operator == "$lte":
        return first is None or first <= second
    return first + (timedelta(milliseconds=second) if isinstance(first, datetime) else second)


def matches(document: Document, which: Mapping[str, Any]) -> bool:
    return all(_matches(document, name, wanted) for name, wanted in which.items())


def _matches(document: Document, name: str, wanted: Any) -> bool:
    if name == "$or":
        return any(matches(document, one) for one in wanted)
    if name == "$expr":
        return bool(worth(document, wanted))
    return _holds(document.get(name), wanted)


def _holds(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "$in": lambda a, b: a in b,
        "$nin": lambda a, b: a not in b,
        "$ne": lambda a, b: a != b,
        "$lt": lambda a, b: a is not None and a < b,
        "$lte": lambda a, b: a is not None and a <= b,
        "$gte": lambda a, b: a is not None and a >= b,
    }
    return all(tests[test](value, than) for test, than in wanted.items())
