"""Reads archives to their end, without any database."""

from collections.abc import Sequence
from pathlib import Path

from linkwork.backup.archive import ArchiveReader, BadArchive, Manifest
from linkwork.backup.encryption import Identities, decrypted
from linkwork.errors import CommandError


def verify(file: Path, identities: Identities) -> Manifest:
    """Decrypts an archive, and compares every document with the manifest.

    Raises:
        BadArchive: it is damaged, cut, or of another recipient.
        CommandError: the file cannot be opened.
    """
    try:
        with decrypted(file, identities) as stream:
            reader = ArchiveReader(stream)
            for _ in reader.pages():
                pass
    except OSError as error:
        raise CommandError(f"{file} cannot be opened: {error.strerror}.") from None
    if reader.manifest is None:
        raise BadArchive("it ends too soon")
    return reader.manifest


def require_one_backup(manifests: Sequence[Manifest]) -> None:
    """Checks that archives belong together: one of data, and one of keys if there are two.

    Raises:
        CommandError: they are of several back-ups, or of one kind.
    """
    if [each.kind for each in manifests] not in (["data"], ["data", "keys"]):
        raise CommandError("Name the archive of data first, then that of keys.")
    if len({each.id for each in manifests}) > 1:
        raise CommandError("The two archives are of different back-ups.")
