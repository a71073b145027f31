"""A person's stored details, version by version. A replaced value stays, with its author and dates.

`sealed` holds current values by field, `said` their authors and times. `version` counts the writes, and
`past` holds replaced values, oldest first. All values are ciphertexts, so erasing the person's key erases
their past too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.referral.identity.vault.keys import PersonKey
from shared.delivery.mongo.database import Row

FIRST = 1


@dataclass(frozen=True, slots=True)
class WrittenPerson:
    """A person after a write: their key, and the version of their details now."""

    key: PersonKey
    version: int


def first_version(locality: str, sealed: Mapping[str, bytes], by: str, at: datetime) -> dict[str, Any]:
    """The stored details of a person who is new to the vault."""
    said = {field: {"by": by, "at": at} for field in sealed}
    return {
        "locality": locality,
        "changed": at,
        "version": FIRST,
        "sealed": dict(sealed),
        "said": said,
        "past": [],
    }


def next_version(row: Row, changes: Mapping[str, bytes | None], by: str, at: datetime) -> dict[str, Any]:
    """The details with these fields changed. None means no longer known. Replaced values join the past."""
    version = version_of(row) + 1
    sealed, said, past = dict(row["sealed"]), dict(row.get("said", {})), list(row.get("past", []))
    for field, value in changes.items():
        author = said.pop(field, {"by": None, "at": None})
        past.append(
            {"field": field, "sealed": sealed.pop(field, None), **author, "until": at, "version": version}
        )
        if value is not None:
            sealed[field] = value
        said[field] = {"by": by, "at": at}
    whole = {name: value for name, value in row.items() if name != "_id"}
    return whole | {"changed": at, "version": version, "sealed": sealed, "said": said, "past": past}


def version_of(row: Row) -> int:
    """The count of writes to these details."""
    return int(row.get("version", FIRST))


def as_of(row: Row, version: int) -> dict[str, bytes]:
    """The values by field when the details had this version."""
    sealed: dict[str, bytes] = dict(row["sealed"])
    for old in reversed(row.get("past", [])):
        if old["version"] <= version:
            break
        if old["sealed"] is None:
            sealed.pop(old["field"], None)
        else:
            sealed[old["field"]] = old["sealed"]
    return sealed
