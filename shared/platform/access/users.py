"""Users of the broker: what it stores of a password (RFC 5802), and the request that stores it."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from shared.platform.access.wire import SCRAM_SHA_512, AlterUsersRequest, Prepared

# Kafka's least. Passwords here are random, so that more rounds would only slow every connection down.
ITERATIONS: Final = 4096
# In the folder of a broker of ours: a file for each user, which holds the password.
USERS_FOLDER: Final = "users"
_SALT_BYTES: Final = 24
_PASSWORD_BYTES: Final = 24


def new_password() -> str:
    """A random password that needs no quoting in a file of settings."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def kept_passwords(folder: Path, users: Iterable[str]) -> dict[str, str]:
    """The passwords of these users, each from a file of its name that only its owner reads.

    Makes those that are missing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {user: _kept(folder / user) for user in users}


def _kept(file: Path) -> str:
    if not file.exists():
        write_privately(file, new_password() + "\n")
    return file.read_text().strip()


def write_privately(file: Path, text: str) -> None:
    """Writes a file that only its owner reads, whole or not at all."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    new.replace(file)


def users_request(passwords: Mapping[str, str], removed: Iterable[str] = ()) -> Prepared:
    """The request that stores these users with these passwords, and removes others."""
    return Prepared(
        AlterUsersRequest(
            [(user, SCRAM_SHA_512, {}) for user in removed],
            [_upsertion(user, password) for user, password in passwords.items()],
            {},
        )
    )


def _upsertion(user: str, password: str) -> tuple[str, int, int, bytes, bytes, dict[int, bytes]]:
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return (user, SCRAM_SHA_512, ITERATIONS, salt, salted, {})
