"""The keys that the processes of a service were last started with, by their ids, for `linkwork keys`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.delivery.mongo.database import Mongo

KEYS_IN_USE: Final = "keys_in_use"


@dataclass(frozen=True, slots=True)
class KeysInUse:
    """The keys of one purpose, newest first.

    `newest_since`: when a process first started with this newest key. `lasts`: for how long what a key made
    is in use outside the databases, such as a cookie; None if nothing is.
    """

    ids: tuple[str, ...]
    newest_since: datetime
    lasts: timedelta | None


async def note_keys(
    mongo: Mongo, purpose: str, ids: Sequence[str], now: datetime, lasts: timedelta | None = None
) -> None:
    """Notes the keys of a process that starts. Raises PyMongoError."""
    newest: dict[str, Any] = {"$arrayElemAt": ["$ids", 0]}
    is_same = {"$eq": [newest, ids[0]]}
    noted = {
        "newest_since": {"$cond": [is_same, "$newest_since", now]},
        "lasts": lasts.total_seconds() if lasts else None,
    }
    change: list[dict[str, Any]] = [{"$set": noted}, {"$set": {"ids": list(ids)}}]
    await mongo[KEYS_IN_USE].update_one({"_id": purpose}, change, upsert=True)


async def keys_in_use(mongo: Mongo, purpose: str) -> KeysInUse | None:
    """The keys of the process that started last; None if none has noted any. Raises PyMongoError."""
    row = await mongo[KEYS_IN_USE].find_one({"_id": purpose})
    if row is None:
        return None
    lasts = None if row["lasts"] is None else timedelta(seconds=row["lasts"])
    return KeysInUse(tuple(row["ids"]), row["newest_since"], lasts)
