"""`linkwork backup create|verify|restore`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pymongo.errors import PyMongoError

from linkwork.arguments import AsJson, command_group, reason
from linkwork.backup.archive import BadArchive, Manifest
from linkwork.backup.creating import create
from linkwork.backup.encryption import identities_of, lines_of, recipients_of
from linkwork.backup.restoring import Stores, require_empty, restore
from linkwork.backup.snapshot import history_kept
from linkwork.backup.verifying import require_one_backup, verify
from linkwork.config import Config
from linkwork.databases import connection_to, database_of
from linkwork.errors import CommandError, database_error
from linkwork.output import as_json as to_json
from linkwork.output import format_time, table
from shared.contract.events.topics import PARTS
from shared.delivery.model.errors import Transient

_EPILOG: Final = """\b
examples:
  linkwork backup create /backups --to age1... --to age1...
  linkwork backup verify /backups/linkwork-20261130T020000Z-data.age --identity key.txt
  linkwork backup restore DATA.age --keys KEYS.age --identity key.txt --why "the disk failed"

A back-up is two files of age (age-encryption.org): the wrapped keys of people, to be kept for a shorter time,
and everything else. `age-keygen` makes the identity file and prints its public key.

exit codes: 0 done; 1 an archive is not whole; 2 refused, with a sentence"""
_HEAD: Final = ("ARCHIVE", "TAKEN", "COLLECTIONS", "DOCUMENTS", "BYTES", "STATE")

application = command_group(
    "Back up all databases at one moment, verify and restore.",
    "Back-ups of the services' databases, encrypted for the recipients that you name.",
    _EPILOG,
)
Identity = Annotated[
    Path, typer.Option(metavar="FILE", help="The identity file: private keys of age, one a line.")
]


@application.command("create", help="Write the state of all databases at this moment into a folder.")
def create_(
    folder: Annotated[Path, typer.Argument(help="The folder for the two files.")],
    to: Annotated[list[str] | None, typer.Option(metavar="KEY", help="A recipient's public key.")] = None,
    recipients: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of public keys, one a line.")
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="Have the database keep its history for so long meanwhile; it keeps 300 s by itself.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> "BackupCreate":
    """Parses `create`."""
    return BackupCreate(folder, tuple(to or ()), recipients, history, as_json)


@application.command("verify", help="Read archives to their end, without any database.")
def verify_(
    files: Annotated[list[Path], typer.Argument(help="The archive of data, and that of keys.")],
    identity: Identity,
    as_json: AsJson = False,
) -> "BackupVerify":
    """Parses `verify`."""
    return BackupVerify(tuple(files), identity, as_json)


@application.command("restore", help="Restore into empty databases. Stop the services first.")
def restore_(
    data: Annotated[Path, typer.Argument(help="The archive of data.")],
    identity: Identity,
    why: Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")],
    keys: Annotated[Path | None, typer.Option(metavar="FILE", help="The archive of keys.")] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Nobody's name can be read afterwards.")
    ] = False,
) -> "BackupRestore":
    """Parses `restore`."""
    if (keys is None) is not without_keys:
        raise typer.BadParameter("say either --keys or --without-keys")
    return BackupRestore((data, keys) if keys is not None else (data,), identity, why)


@dataclass(frozen=True)
class BackupCreate:
    """Creates a back-up."""

    folder: Path
    to: tuple[str, ...]
    recipients: Path | None = None
    history: int | None = None
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Writes the archives and prints what they hold.

        Raises:
            CommandError: nothing was kept.
        """
        listed = lines_of(self.recipients) if self.recipients is not None else []
        recipients = recipients_of([*self.to, *listed])
        try:
            async with AsyncExitStack() as opened:
                stores = {
                    service: await opened.enter_async_context(database_of(config, service))
                    for service in PARTS
                }
                first = stores[PARTS[0]]
                names = {service: mongo.database.name for service, mongo in stores.items()}
                await opened.enter_async_context(history_kept(first, self.history))
                made = await create(first, names, self.folder, recipients)
        except OSError as error:
            raise CommandError(f"Nothing was kept: {error.strerror or error} ({self.folder}).") from error
        _print([(each.file, each.manifest, "") for each in made], self.as_json)
        return 0


@dataclass(frozen=True)
class BackupVerify:
    """Verifies archives."""

    files: tuple[Path, ...]
    identity: Path
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """As `run_offline`."""
        return self.run_offline()

    def run_offline(self) -> int:
        """Prints what each archive holds.

        Returns:
            0 if each is whole, else 1.

        Raises:
            CommandError: a file cannot be opened.
        """
        identities = identities_of(self.identity)
        found: list[tuple[Path, Manifest | None, str]] = []
        for file in self.files:
            try:
                found.append((file, verify(file, identities), ""))
            except BadArchive as wrong:
                found.append((file, None, str(wrong)))
        _print(found, self.as_json)
        return int(any(manifest is None for _, manifest, _ in found))


@dataclass(frozen=True)
class BackupRestore:
    """Restores a back-up."""

    files: tuple[Path, ...]
    identity: Path
    why: str

    async def run(self, config: Config) -> int:
        """Verifies the archives, then restores them into empty databases.

        Returns:
            0 if everything was restored, 1 if an archive is not whole.

        Raises:
            CommandError: nothing was restored, or the text says otherwise.
        """
        identities = identities_of(self.identity)
        try:
            manifests = [await asyncio.to_thread(verify, file, identities) for file in self.files]
        except BadArchive as wrong:
            print(f"Nothing was restored: an archive is not whole, {wrong}.")
            return 1
        require_one_backup(manifests)
        archives = list(zip(self.files, manifests, strict=True))
        async with _stores(config) as stores:
            await require_empty(stores)
            await restore(stores, archives, identities, by=config.operator, why=self.why)
        documents = sum(each.documents for manifest in manifests for each in manifest.collections)
        print(
            f"{documents} documents of {format_time(manifests[0].taken)} were restored: start the services."
        )
        return 0


@asynccontextmanager
async def _stores(config: Config) -> AsyncIterator[Stores]:
    """Connects to the databases, which may be empty.

    Raises:
        CommandError: two services would have one database, or a database does not answer.
    """
    if len({config.database(service) for service in PARTS}) < len(PARTS):
        raise CommandError(
            "LINKWORK_DATABASE names one database for all services: unset it for this command."
        )
    stores = {service: connection_to(config, service) for service in PARTS}
    try:
        yield stores
    except (PyMongoError, Transient) as error:
        raise database_error(PARTS[0], error) from error
    finally:
        for mongo in stores.values():
            await mongo.close()


def _print(found: Sequence[tuple[Path, Manifest | None, str]], as_json: bool) -> None:
    if as_json:
        print(to_json([_document(*each) for each in found]))
    else:
        print(table(_HEAD, [_row(*each) for each in found]))


def _document(file: Path, manifest: Manifest | None, wrong: str) -> dict[str, Any]:
    content = manifest.model_dump(mode="json") if manifest is not None else None
    return {"file": str(file), "wrong": wrong or None, "manifest": content}


def _row(file: Path, manifest: Manifest | None, wrong: str) -> tuple[str, ...]:
    if manifest is None:
        return (str(file), "-", "-", "-", "-", wrong)
    collections = manifest.collections
    documents, size = (sum(getattr(each, name) for each in collections) for name in ("documents", "size"))
    taken = format_time(manifest.taken)
    return (str(file), taken, str(len(collections)), str(documents), str(size), "whole")
