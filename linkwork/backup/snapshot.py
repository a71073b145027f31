"""The services' databases as they were at one moment.

A replica set reads any collection of any of its databases as of one cluster time (`snapshot` reads). It keeps
that history for five minutes, unless it is told otherwise, so a back-up must be read within that time.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from linkwork.errors import CommandError
from shared.contract.events.topics import Part
from shared.delivery.mongo.database import Database, Document, Mongo, Session
from shared.delivery.rebuild.generations import GENERATIONS

_HISTORY: Final = "minSnapshotHistoryWindowInSeconds"
_RAW: Final[CodecOptions[Any]] = CodecOptions(document_class=RawBSONDocument)
_PAGE: Final = 500
_NO_RIGHT: Final = 13
# The cursor's history is gone, or it was closed for that.
_TOO_OLD: Final = frozenset({43, 237, 239})
# A collection or index was made since.
_CHANGED: Final = 246
# The name of each service's database.
Databases = Mapping[Part, str]
# A collection of a service, and the id that the database gave it when it was made.
Found = dict[tuple[Part, str], bytes]


class Snapshot:
    """All collections of the databases at one cluster time."""

    def __init__(self, mongo: Mongo, session: Session, databases: Databases, at: Timestamp) -> None:
        self._mongo = mongo
        self._session = session
        self._databases = databases
        self._at = at

    @property
    def cluster_time(self) -> tuple[int, int]:
        """The moment as the database counts it."""
        return self._at.time, self._at.inc

    @property
    def taken(self) -> datetime:
        """The moment."""
        return datetime.fromtimestamp(self._at.time, UTC)

    async def collections(self) -> Found:
        """The collections that are there now."""
        return await _collections(self._mongo, self._databases)

    async def pages(self, service: Part, name: str) -> AsyncIterator[list[bytes]]:
        """The documents of a collection, as they are stored.

        Raises:
            CommandError: the moment is too long ago by now, or the collection was changed since.
        """
        database = self._mongo.client.get_database(self._databases[service])
        concern = {"level": "snapshot", "atClusterTime": self._at}
        command: Document = {"find": name, "batchSize": _PAGE, "readConcern": concern}
        batch = "firstBatch"
        while True:
            try:
                reply = await database.command(command, codec_options=_RAW, session=self._session)
            except OperationFailure as error:
                raise _refusal(error) from error
            cursor = cast("Any", reply)["cursor"]
            yield [each.raw for each in cursor[batch]]
            if not cursor["id"]:
                return
            command = {"getMore": cursor["id"], "collection": name, "batchSize": _PAGE}
            batch = "nextBatch"


@asynccontextmanager
async def snapshot_of(mongo: Mongo, databases: Databases) -> AsyncIterator[tuple[Snapshot, Found]]:
    """A snapshot of these databases, and their collections just before it.

    If the collections are others after the last read, one may be missing from the snapshot.
    """
    before = await _collections(mongo, databases)
    async with await mongo.client.start_session(causal_consistency=False) as session:
        first: Database = mongo.client.get_database(next(iter(databases.values())))
        reply = await first.command(
            {"find": GENERATIONS, "limit": 1, "singleBatch": True, "readConcern": {"level": "snapshot"}},
            session=session,
        )
        yield Snapshot(mongo, session, databases, reply["cursor"]["atClusterTime"]), before


@asynccontextmanager
async def history_kept(mongo: Mongo, seconds: int | None) -> AsyncIterator[None]:
    """Has the database keep its history for so many seconds meanwhile; None leaves it as it is.

    Raises:
        CommandError: the user may not change it.
    """
    if seconds is None:
        yield
        return
    admin = mongo.client.get_database("admin")
    try:
        kept: int = (await admin.command({"getParameter": 1, _HISTORY: 1}))[_HISTORY]
        await admin.command({"setParameter": 1, _HISTORY: max(kept, seconds)})
    except OperationFailure as error:
        if error.code != _NO_RIGHT:
            raise
        raise CommandError(
            f"The user may not change {_HISTORY}: it needs the role clusterManager, or set it by hand."
        ) from None
    try:
        yield
    finally:
        await admin.command({"setParameter": 1, _HISTORY: kept})


async def _collections(mongo: Mongo, databases: Databases) -> Found:
    found: Found = {}
    for service, database in databases.items():
        async for row in await mongo.client.get_database(database).list_collections():
            if not row["name"].startswith("system."):
                found[service, row["name"]] = bytes(row["info"]["uuid"])
    return found


def _refusal(error: OperationFailure) -> Exception:
    if error.code in _TOO_OLD:
        return CommandError(
            "Nothing was kept: the database does not remember its state for as long as the back-up takes. "
            "Say --history with more seconds than it took."
        )
    if error.code == _CHANGED:
        return CommandError("Nothing was kept: a collection or an index was made meanwhile. Try again.")
    return error
