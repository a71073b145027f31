"""Writes a snapshot of the databases into two archives: the wrapped keys of people, and everything else."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, get_args

from linkwork.backup.archive import ArchiveWriter, Kind, Manifest
from linkwork.backup.encryption import Recipients, encrypted
from linkwork.backup.snapshot import Databases, Found, Snapshot, snapshot_of
from linkwork.errors import CommandError
from services.referral.collections import KEYS, SESSIONS
from shared.contract.events.topics import Part
from shared.delivery.mongo.database import Mongo
from shared.delivery.restored.marker import RESTORES
from shared.platform.ids import new_id

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# Restored sessions would sign people in again who have signed out since. A restore makes its own mark.
_LEFT_OUT: Final = frozenset({SESSIONS, RESTORES})
_KEY_ROWS: Final[tuple[Part, str]] = ("referral", KEYS)
_PARTIAL: Final = ".part"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file, and what it holds."""

    file: Path
    manifest: Manifest


async def create(mongo: Mongo, databases: Databases, folder: Path, recipients: Recipients) -> list[Archive]:
    """Writes the archives into the folder.

    A file has its name once both are whole.

    Raises:
        CommandError: the snapshot could not be read to its end. Nothing was kept.
        OSError: a file cannot be written. Nothing was kept.
        PyMongoError: the database is away. Nothing was kept.
    """
    async with snapshot_of(mongo, databases) as (snapshot, before):
        identity = new_id()
        files = _files(folder, snapshot.taken, identity)
        partial = {kind: file.with_name(file.name + _PARTIAL) for kind, file in files.items()}
        with _removed_after_failure(partial):
            with ExitStack() as streams:
                writers = {
                    kind: ArchiveWriter(streams.enter_context(encrypted(file, recipients)), kind)
                    for kind, file in partial.items()
                }
                await _write(snapshot, before, writers)
                if await snapshot.collections() != before:
                    raise CommandError("Nothing was kept: collections came or went meanwhile. Try again.")
                made = {
                    kind: writer.end(identity, snapshot.taken, snapshot.cluster_time)
                    for kind, writer in writers.items()
                }
            for kind, file in files.items():
                partial[kind].rename(file)
            _sync(folder)
    return [Archive(files[kind], made[kind]) for kind in KINDS]


async def _write(snapshot: Snapshot, collections: Found, writers: Mapping[Kind, ArchiveWriter]) -> None:
    for service, name in sorted(collections):
        if name in _LEFT_OUT:
            continue
        writer = writers["keys" if (service, name) == _KEY_ROWS else "data"]
        writer.begin(service, name)
        async for page in snapshot.pages(service, name):
            await asyncio.to_thread(writer.add, page)


def _files(folder: Path, taken: datetime, identity: str) -> dict[Kind, Path]:
    # The id's end tells back-ups of one second apart.
    stem = f"linkwork-{taken:%Y%m%dT%H%M%SZ}-{identity[-6:]}"
    return {kind: folder / f"{stem}-{kind}.age" for kind in KINDS}


@contextmanager
def _removed_after_failure(files: Mapping[Kind, Path]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for file in files.values():
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Makes the names of new files durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
