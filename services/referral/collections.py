"""What this service keeps beside the kernel's documents, and the indexes that its questions need."""

import contextlib

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from services.referral import sessions
from shared.delivery.mongo.database import Mongo, Session, Transaction

OWNED = ("people", "keys", "lookups", "entries", "notes", "erased", "audit", "filed")
"""What nobody could tell us again: the vault, its keys apart, and who read what."""
PASSING = (sessions.SESSIONS,)
"""What may be lost: people then sign in again."""
FILED = "filed"
"""Referrals that were sent back and that their practice has nothing to answer to."""
DERIVED = ("referrals",)
"""What is folded from the facts."""

Source = Mongo | Transaction
"""Where to read: inside a transaction or outside."""


def session_of(source: Source) -> Session | None:
    """The session to read with, inside a transaction."""
    return source.session if isinstance(source, Transaction) else None


_INDEXES: dict[str, list[IndexModel]] = {
    "referrals": [
        IndexModel([("referral", ASCENDING)]),
        IndexModel([("view.person", ASCENDING)]),
        IndexModel([("view.resends", ASCENDING)], sparse=True),
        IndexModel([("locality", ASCENDING), ("view.stage", ASCENDING)]),
        IndexModel([("locality", ASCENDING), ("view.created", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("view.practice", ASCENDING), ("view.created", ASCENDING), ("referral", ASCENDING)]),
    ],
    "lookups": [IndexModel([("digest", ASCENDING)]), IndexModel([("person", ASCENDING)])],
    "entries": [IndexModel([("person", ASCENDING)])],
    "notes": [
        IndexModel([("locality", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("person", ASCENDING)]),
        IndexModel(
            [("repeat", ASCENDING)], unique=True, partialFilterExpression={"repeat": {"$type": "string"}}
        ),
    ],
    "erased": [IndexModel([("referrals", ASCENDING)]), IndexModel([("untold", ASCENDING)])],
    # What is older than an hour counts no longer (conflicts.py): the database removes it.
    "conflicts": [
        IndexModel([("caller", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", ASCENDING)], expireAfterSeconds=3600),
    ],
    "audit": [IndexModel([("subject_ref", ASCENDING), ("at", DESCENDING)])],
    sessions.SESSIONS: sessions.INDEXES,
}


_AUDIT_ENDS = "audit_ends"
_OTHER_OPTIONS = 85
"""MongoDB's code for an index that is there with another lifetime."""


async def ensure_derived_indexes(mongo: Mongo) -> None:
    """Makes the indexes of what is folded from the facts."""
    for name in DERIVED:
        await mongo[name].create_indexes(_INDEXES[name])


async def ensure_indexes(mongo: Mongo, audit_days: int) -> None:
    """Makes collections and indexes; a collection made inside a transaction would take a lock.

    `audit_days`: how long audit entries are kept; the database itself removes those that are older.
    """
    existing = set(await mongo.database.list_collection_names())
    for name in (*OWNED, *PASSING):
        if name not in existing:
            with contextlib.suppress(CollectionInvalid):  # another process made it just now
                await mongo.database.create_collection(name)
    for name, indexes in _INDEXES.items():
        await mongo[name].create_indexes(indexes)
    await _end_audit_after(mongo, audit_days * 24 * 3600)


async def _end_audit_after(mongo: Mongo, seconds: int) -> None:
    try:
        await mongo["audit"].create_index([("at", ASCENDING)], name=_AUDIT_ENDS, expireAfterSeconds=seconds)
    except OperationFailure as refused:
        if refused.code != _OTHER_OPTIONS:
            raise
        changed = {"name": _AUDIT_ENDS, "expireAfterSeconds": seconds}
        await mongo.database.command("collMod", "audit", index=changed)
