"""Access to MongoDB. The only module that imports Motor, so that PyMongo's async client can replace it."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Protocol, TypeVar

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.delivery.model.errors import Conflict, Held, Transient

# A document to write.
Document = dict[str, Any]
# A document that was read.
Row = Mapping[str, Any]
Collection = AsyncIOMotorCollection
Database = AsyncIOMotorDatabase
Session = AsyncIOMotorClientSession
T = TypeVar("T")

_AWAY = (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)
_DUPLICATE_KEY: Final = 11000
_WRITE_CONFLICT: Final = 112
# Not primary or not yet, shutting down, interrupted, unreachable, out of disk space, too slow, a transaction
# that is gone. The server is in trouble, not the record.
_SERVER_IN_TROUBLE: Final = frozenset(
    {11600, 11602, 10107, 13435, 13436, 189, 91, 94, 14031, 50, 262, 251, 246, 6, 7, 89, 9001, 11601, 10058}
    | {24, 64, 100, 133, 134, 225}
)
_REFUSED_BY_VALIDATOR: Final = 121
_NO_NAMES: Final[Mapping[str, str]] = {}
_MAX_TRIES: Final = 4
# A commit without an answer is retried for so long.
_COMMIT_SECONDS: Final = 10.0


@dataclass(eq=False, slots=True)
class Permit:
    """The stored names of collections that lie under another name, and the end of their validity."""

    names: Mapping[str, str]
    until: float


class Gate(Protocol):
    """Permits every transaction, before it begins and before it commits."""

    async def enter(self) -> Permit:
        """The permit of a new transaction. May raise `Transient`."""
        ...

    async def confirm(self, permit: Permit) -> None:
        """Confirms the permit before the commit. May raise `Transient`."""
        ...

    def lapse(self) -> None:
        """Ends the present permit, because the database has refused a write under it."""
        ...


class Transaction:
    """One MongoDB transaction: collections to write through and the session to write with."""

    __slots__ = ("_ended", "collections", "names", "session")

    def __init__(
        self, collections: "Collections", session: Session | None, names: Mapping[str, str] = _NO_NAMES
    ) -> None:
        self.collections = collections
        self.session = session
        self.names = names
        self._ended: list[Callable[[bool], None]] = []

    def when_ended(self, call: Callable[[bool], None]) -> None:
        """Calls back after the end of the transaction: with True if it is known to be committed."""
        self._ended.append(call)

    def end(self, *, committed: bool) -> None:
        """Makes the calls of `when_ended`."""
        for call in self._ended:
            call(committed)

    def __getitem__(self, collection: str) -> Collection:
        return self.collections[self.names.get(collection, collection)]


class Collections(dict[str, Collection]):
    """A database's collections by name. To make a new one for each command costs as much as the command."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def __missing__(self, name: str) -> Collection:
        made = self[name] = self._database[name]
        return made


class Mongo:
    """A connection to one service's database."""

    def __init__(self, url: str, database: str, *, timeout_ms: int = 5000, name: str = "linkwork") -> None:
        """Connects lazily, as `name`, under which `end_transactions_of` finds what is left of it.

        Raises:
            ConfigurationError: the address cannot be read.
        """
        self.client: AsyncIOMotorClient = AsyncIOMotorClient(
            url,
            appname=name,
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            socketTimeoutMS=60_000,
            retryWrites=True,
            tz_aware=True,
            uuidRepresentation="standard",
        )
        self.database: Database = self.client.get_database(
            database,
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        self._collections = Collections(self.database)
        self._light = Collections(self.database.with_options(write_concern=WriteConcern(1)))
        # Stored names of collections that lie under another name.
        self.names: Mapping[str, str] = _NO_NAMES
        self.gate: Gate | None = None

    def __getitem__(self, collection: str) -> Collection:
        return self._collections[self.names.get(collection, collection)]

    def light(self, collection: str) -> Collection:
        """The collection for writes that may be lost: one member acknowledges them from memory."""
        return self._light[self.names.get(collection, collection)]

    def outside(self) -> Transaction:
        """The interface of a transaction, without one."""
        return Transaction(self._collections, None, self.names)

    async def make(self, collections: Iterable[str]) -> None:
        """Creates missing collections, because a transaction that creates one takes a lock."""
        existing = set(await self.database.list_collection_names())
        for name in {self.names.get(name, name) for name in collections} - existing:
            with contextlib.suppress(
                CollectionInvalid, OperationFailure
            ):  # Another process created it just now.
                await self.database.create_collection(name)

    async def answers(self) -> bool:
        """True if a primary answers now."""
        try:
            await self.client.admin.command("ping", read_preference=ReadPreference.PRIMARY)
        except PyMongoError:
            return False
        return True

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs `work` in one transaction and commits it; `work` may run several times.

        A document that another transaction holds is retried a few times; a caller that can wait longer pauses
        by itself. (The driver's own `with_transaction` retries for two minutes without a pause.)

        Raises:
            Transient: the database is away, or another write came first.
        """
        tries = 0
        while True:
            tries += 1
            try:
                async with await self.client.start_session() as session:
                    return await self._transact(work, session)
            except PyMongoError as error:
                closed = _refused_as_closed(error)
                if closed and self.gate is not None:
                    self.gate.lapse()
                passes = closed or error.has_error_label("TransientTransactionError")
                if not passes or tries >= _MAX_TRIES:
                    raise classified(error) from error
            await asyncio.sleep(random.uniform(0.001, 0.005) * 2**tries)

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]], session: Session) -> T:
        permit = Permit(self.names, 0.0) if self.gate is None else await self.gate.enter()
        tx = Transaction(self._collections, session, permit.names)
        committed = False
        try:
            result = await self._in_session(work, tx, session, permit)
            committed = True
        finally:
            tx.end(committed=committed)
        return result

    async def _in_session(
        self, work: Callable[[Transaction], Awaitable[T]], tx: Transaction, session: Session, permit: Permit
    ) -> T:
        session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
            read_preference=ReadPreference.PRIMARY,
        )
        try:
            result = await work(tx)
            if self.gate is not None:
                await self.gate.confirm(permit)
        except BaseException:
            if session.in_transaction:
                with contextlib.suppress(PyMongoError):  # The database ends it.
                    await session.abort_transaction()
            raise
        give_up = time.monotonic() + _COMMIT_SECONDS
        while True:
            try:
                await session.commit_transaction()
            except PyMongoError as error:
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if not unknown or time.monotonic() > give_up:
                    raise
            else:
                return result

    async def end_transactions_of(self, name: str) -> int:
        """Ends the open transactions of a process of this name; returns their number.

        MongoDB keeps a dead process's transaction for a minute or longer, and its documents stay locked. A
        process that only slept finds its transaction gone and runs it again.
        """
        return await self._end_transactions({"appName": name})

    async def end_transactions_older_than(self, seconds: float, names: Iterable[str]) -> int:
        """Ends transactions of these processes that are open for longer than that; returns their number."""
        older = {"$gt": int(seconds * 1_000_000)}
        return await self._end_transactions(
            {"appName": {"$in": list(names)}, "transaction.timeOpenMicros": older}
        )

    async def _end_transactions(self, which: Document) -> int:
        open_ones: list[Document] = [
            {"$currentOp": {"idleSessions": True, "allUsers": False}},
            {"$match": {**which, "lsid": {"$exists": True}}},
        ]
        admin = self.client.get_database(
            "admin", codec_options=CodecOptions()
        )  # The ids go back as they came.
        sessions = [{"id": row["lsid"]["id"]} async for row in admin.aggregate(open_ones)]
        if sessions:
            await admin.command("killSessions", sessions)
        return len(sessions)

    async def close(self) -> None:
        """Closes the connection."""
        self.client.close()


def in_raw_form(collection: Collection) -> Collection:
    """The same collection, whose documents stay bytes until their fields are read."""
    return collection.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))


def classified(error: PyMongoError) -> Exception:
    """The error as the kernel sees it: `Transient`, `Conflict`, or the error itself if it is our fault."""
    if _refused_as_closed(error):
        return Transient("the generation has changed")
    if isinstance(error, DuplicateKeyError):
        return Conflict("another write created a document")
    if isinstance(error, BulkWriteError):
        codes = {problem.get("code") for problem in (error.details or {}).get("writeErrors", [])}
        if _WRITE_CONFLICT in codes:
            return Held("another transaction is writing a document")
        if codes == {_DUPLICATE_KEY}:
            return Conflict("another write created a document")
    if isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT:
        return Held("another transaction is writing a document")
    if isinstance(error, ConfigurationError):
        # A member that has just restarted does not know its replica set yet, and gives no session.
        return Transient("the database is not what it should be")
    if isinstance(error, _AWAY) or error.has_error_label("TransientTransactionError"):
        return Transient(type(error).__name__)
    if error.has_error_label("UnknownTransactionCommitResult"):
        return Transient("commit not known")
    if isinstance(error, OperationFailure) and error.code in _SERVER_IN_TROUBLE:
        return Transient(f"server error {error.code}")
    return error


def _refused_as_closed(error: PyMongoError) -> bool:
    """True if a collection refused the write because its generation is closed."""
    if isinstance(error, BulkWriteError):
        problems = (error.details or {}).get("writeErrors", [])
        return any(problem.get("code") == _REFUSED_BY_VALIDATOR for problem in problems)
    return isinstance(error, OperationFailure) and error.code == _REFUSED_BY_VALIDATOR
