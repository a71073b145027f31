"""Identifiers, as an argument."""

from collections.abc import Callable

import uuid_utils

# Gives a fresh UUIDv7 in its canonical text form.
NewId = Callable[[], str]


def new_id() -> str:
    """A fresh UUIDv7: sorts roughly by when it was made, tells nothing else."""
    return str(uuid_utils.uuid7())
