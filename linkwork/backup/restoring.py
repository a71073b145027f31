"""Writes archives into empty databases, all of them or none.

Each database is marked before anything else is written, and no service starts on it. The marks of all change
together once every document is there. After a failure, everything is deleted again. A command that dies
leaves the marks, and the next one deletes what is left.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bson.raw_bson import RawBSONDocument
from pymongo.errors import PyMongoError

from linkwork.backup.archive import ArchiveReader, Manifest
from linkwork.backup.encryption import Identities, decrypted
from linkwork.errors import CommandError
from shared.contract.events.topics import Part
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Collections, Mongo, Transaction, in_raw_form
from shared.delivery.mongo.operations import note
from shared.delivery.restored.marker import RESTORES, begin_restore, end_restore, is_half_restored
from shared.platform.clock import system_clock
from shared.platform.ids import new_id

_HALF: Final = (
    "The databases are half restored, and no service starts on them. Run the same command again when the "
    "database answers: it begins anew."
)
# The database of each service, all of one replica set.
Stores = Mapping[Part, Mongo]


async def require_empty(stores: Stores) -> None:
    """Checks that each database is empty, or left by a restore that died.

    Raises:
        CommandError: one holds something else. Nothing was changed.
        PyMongoError: the database is away.
    """
    for service, mongo in stores.items():
        if await mongo.database.list_collection_names() and not await is_half_restored(mongo):
            raise CommandError(
                f"Nothing was restored: the database {mongo.database.name} of {service} is not empty. Stop "
                "the services, then drop their databases or restore elsewhere."
            )


async def restore(
    stores: Stores,
    archives: Sequence[tuple[Path, Manifest]],
    identities: Identities,
    *,
    by: str,
    why: str,
) -> None:
    """Restores archives that were verified into databases that are empty.

    Raises:
        CommandError: it failed. The databases are empty again, or the text says otherwise.
    """
    try:
        await _clear(stores)
        for mongo in stores.values():
            await begin_restore(mongo, system_clock())
        for file, _ in archives:
            await _write(stores, file, identities)
        first = next(iter(stores.values()))
        await first.transact(partial(_finish, first, stores, archives[0][1], by, why))
    except BaseException as error:
        try:
            await asyncio.shield(_clear(stores))
        except (PyMongoError, Transient):
            raise CommandError(_HALF) from error
        if isinstance(error, Exception):
            raise CommandError(
                f"Nothing was restored, and the databases are empty again ({type(error).__name__})."
            ) from error
        raise


async def _write(stores: Stores, file: Path, identities: Identities) -> None:
    with decrypted(file, identities) as stream:
        pages = ArchiveReader(stream).pages()
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            collection = in_raw_form(stores[page.service].database[page.name])
            await collection.insert_many([RawBSONDocument(raw) for raw in page.documents], ordered=False)


async def _finish(
    first: Mongo, stores: Stores, manifest: Manifest, by: str, why: str, tx: Transaction
) -> None:
    now = system_clock()
    about = {"backup": manifest.id, "taken": manifest.taken.isoformat()}
    for mongo in stores.values():
        # A session belongs to one client, so the transaction reaches every database through the first.
        there = Transaction(Collections(first.client.get_database(mongo.database.name)), tx.session)
        await end_restore(there, now)
        await note(there, new_id, now, what="database restored", by=by, why=why, about=dict(about))


async def _clear(stores: Stores) -> None:
    """Deletes what a restore has written. The marks go last."""
    for mongo in stores.values():
        for name in await mongo.database.list_collection_names():
            if name != RESTORES:
                await mongo.database.drop_collection(name)
    for mongo in stores.values():
        await mongo.database.drop_collection(RESTORES)
