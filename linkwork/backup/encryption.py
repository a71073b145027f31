"""Encryption of archives with age (age-encryption.org), each in a thread behind a pipe.

An archive streams through compression and encryption. Neither it nor a database is ever in memory as a whole.
"""

import gzip
import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import pyrage

from linkwork.backup.archive import BadArchive
from linkwork.errors import CommandError

_FASTEST: Final = 1
_OWNER_ONLY: Final = 0o600
Recipients = Sequence[Any]
Identities = Sequence[Any]


def recipients_of(keys: Iterable[str]) -> Recipients:
    """The recipients with these public keys, such as `age1...`.

    Raises:
        CommandError: one is no public key, or there is none.
    """
    try:
        found = [pyrage.x25519.Recipient.from_str(key) for key in keys]
    except pyrage.RecipientError:
        raise CommandError("A recipient is no public key of age: it begins with age1.") from None
    if not found:
        raise CommandError("Name at least one recipient: a public key of age, with --to or --recipients.")
    return found


def identities_of(file: Path) -> Identities:
    """The private keys in an identity file, as `age-keygen` makes it.

    Raises:
        CommandError: the file cannot be read, or holds no private key.
    """
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines_of(file)]
    except pyrage.IdentityError:
        raise CommandError(f"{file} holds a line that is no private key of age.") from None
    if not found:
        raise CommandError(f"{file} holds no private key of age.")
    return found


def lines_of(file: Path) -> list[str]:
    """The lines of a key file, without comments and blank ones.

    Raises:
        CommandError: the file cannot be read.
    """
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read ({type(error).__name__}).") from None
    return [line for line in lines if line and not line.startswith("#")]


@contextmanager
def encrypted(file: Path, recipients: Recipients) -> Iterator[gzip.GzipFile]:
    """A stream that is compressed and encrypted into a new file, which only its owner may read.

    Raises:
        OSError: the file is there already, or cannot be written.
    """
    reading, writing = os.pipe()

    def encrypt() -> None:
        with open(reading, "rb") as source:
            made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            with open(made, "wb") as target:
                noting = _NotingWriter(target)
                pyrage.encrypt_io(source, noting, recipients)
                if noting.error is not None:
                    raise noting.error
                target.flush()
                os.fsync(made)

    work = _Work(encrypt)
    try:
        with (
            open(writing, "wb") as pipe,
            gzip.GzipFile(fileobj=pipe, mode="wb", compresslevel=_FASTEST, mtime=0) as stream,
        ):
            yield stream
    except BrokenPipeError:
        work.join()
        if work.error is None:
            raise
    finally:
        work.join()
    if work.error is not None:
        raise work.error


@contextmanager
def decrypted(file: Path, identities: Identities) -> Iterator[gzip.GzipFile]:
    """A stream of what was encrypted into a file.

    Raises:
        BadArchive: the file is damaged or cut, or none of these identities opens it.
        OSError: the file cannot be opened.
    """
    reading, writing = os.pipe()
    try:
        source = file.open("rb")
    except OSError:
        os.close(reading)
        os.close(writing)
        raise

    def decrypt() -> None:
        with source, open(writing, "wb") as target:
            pyrage.decrypt_io(source, target, identities)

    work = _Work(decrypt)
    try:
        with open(reading, "rb") as pipe, gzip.GzipFile(fileobj=pipe, mode="rb") as stream:
            yield stream
    except (BadArchive, EOFError, OSError, zlib.error) as error:
        work.join()
        raise BadArchive(_reason(work.error or error)) from None  # What does not decrypt ends too soon.
    finally:
        work.join()
    if work.error is not None:
        raise BadArchive(_reason(work.error))


def _reason(error: Exception) -> str:
    if isinstance(error, pyrage.DecryptError):
        return "none of the identities opens it, or it is no file of age"
    return str(error) if isinstance(error, BadArchive) else "it is damaged"


class _NotingWriter:
    """Notes the first failure of a write: the library drops one that meets its last bytes."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._target.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        self._target.flush()


class _Work:
    """A thread, and the error with which it ended."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Waits for the end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._do()
        except BrokenPipeError:
            return  # The reader has stopped, and says why.
        except Exception as error:
            self.error = error
