"""Collections of this service beside the kernel's documents, with their indexes."""

import contextlib
from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import CollectionInvalid

from shared.delivery.control.requests import TABLE_REQUESTS
from shared.delivery.mongo.database import Mongo, Session, Transaction
from shared.delivery.mongo.kept_filters import KEPT_FILTERS
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

CONFLICTS = "conflicts"
ENTRIES = "entries"
ERASED = "erased"
HEARTBEATS = "heartbeats"  # One row a sandbox: when the last one was played, and answered.
FILED = "filed"  # Returned referrals that their practice filed without an answer.
INBOX_ENDS = "inbox_ends"  # Where admission has passed the end of a source's inbox, by epoch.
KEYS = "keys"
LOGOUTS = "logouts"  # The ids of the issuer's logout tokens that were taken, hashed.
LOOKUPS = "lookups"
NOTES = "notes"
NOTICES = "notices"  # Partners' facts that do not count, and whether their source was told.
PEOPLE = "people"
REFUSALS = "refusals"  # Partners' events that admission refused, for look-ups.
SEARCHES = "searches"  # One row a search for a person, so that they can be limited.
SESSIONS = "sessions"
SIGNED_IN = "signed_in"  # The last sign-in of each person, by the subject of their tokens.
TERMS = "terms"  # Digests by which people are found (identity/find).

# Data with no other source: the vault, its keys apart, the tombstones, and ends of inboxes.
OWNED = (PEOPLE, KEYS, LOOKUPS, TERMS, ENTRIES, NOTES, ERASED, FILED, INBOX_ENDS, TABLE_REQUESTS)
# Data that may be lost: people then sign in again, partners read their refusals on their topic, or a notice
# again, an hour's searches are not counted,
# and filters are chosen again.
PASSING = (SESSIONS, LOGOUTS, SIGNED_IN, REFUSALS, NOTICES, HEARTBEATS, SEARCHES, KEPT_FILTERS)
# Data folded from the facts.
DERIVED = (REFERRALS,)

# Unanswered referrals (`view.unanswered`, a time) are few: an index of these alone.
IS_UNANSWERED = {"view.unanswered": {"$gt": datetime.fromtimestamp(0, UTC)}}

_INDEXES: dict[str, list[IndexModel]] = {
    REFERRALS: [
        IndexModel([("referral", ASCENDING)]),
        IndexModel([("view.person", ASCENDING)]),
        IndexModel([("view.resends", ASCENDING)], sparse=True),
        IndexModel([("locality", ASCENDING), ("view.stage", ASCENDING)]),
        IndexModel(
            [("locality", ASCENDING), ("view.unanswered", ASCENDING)], partialFilterExpression=IS_UNANSWERED
        ),
        IndexModel(
            [("view.uncounted.source", ASCENDING), ("_id", ASCENDING)],
            partialFilterExpression={"view.uncounted.source": {"$gt": ""}},
        ),
        IndexModel([("locality", ASCENDING), ("view.created", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("view.practice", ASCENDING), ("view.created", ASCENDING), ("referral", ASCENDING)]),
    ],
    LOOKUPS: [IndexModel([("digest", ASCENDING)]), IndexModel([("person", ASCENDING)])],
    TERMS: [
        IndexModel([("terms", ASCENDING)]),
        IndexModel([("person", ASCENDING)]),
        IndexModel([("entry", ASCENDING)]),
    ],
    ENTRIES: [IndexModel([("person", ASCENDING)])],
    NOTES: [
        IndexModel([("locality", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("person", ASCENDING)]),
        IndexModel(
            [("repeat", ASCENDING)], unique=True, partialFilterExpression={"repeat": {"$type": "string"}}
        ),
    ],
    ERASED: [IndexModel([("referrals", ASCENDING)]), IndexModel([("untold", ASCENDING)])],
    # The limit counts an hour (identity/conflicts.py): the database removes what is older.
    CONFLICTS: [
        IndexModel([("caller", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", ASCENDING)], expireAfterSeconds=3600),
    ],
    SEARCHES: [
        IndexModel([("caller", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", ASCENDING)], expireAfterSeconds=3600),
    ],
    INBOX_ENDS: [IndexModel([("_id.source", ASCENDING), ("_id.epoch", DESCENDING)])],
    REFUSALS: [IndexModel([("at", ASCENDING)], name="refusals_end", expireAfterSeconds=30 * 24 * 3600)],
    NOTICES: [
        IndexModel([("_id.source", ASCENDING), ("told", ASCENDING), ("since", ASCENDING)]),
        IndexModel([("seen", ASCENDING)], name="notices_end", expireAfterSeconds=30 * 24 * 3600),
    ],
    TABLE_REQUESTS: [IndexModel([("at", DESCENDING)])],
    # A person who has not signed in for two years is forgotten.
    SIGNED_IN: [
        IndexModel([("localities", ASCENDING), ("last", DESCENDING)]),
        IndexModel([("last", ASCENDING)], name="signed_in_end", expireAfterSeconds=2 * 366 * 24 * 3600),
    ],
    SESSIONS: [
        IndexModel([("ends", ASCENDING)], name="sessions_end", expireAfterSeconds=0),
        IndexModel([("who", ASCENDING)], sparse=True),
        IndexModel([("sid", ASCENDING)], sparse=True),
    ],
    # Longer than a logout token is taken (logout_token.py).
    LOGOUTS: [IndexModel([("at", ASCENDING)], name="logouts_end", expireAfterSeconds=600)],
}

# A place to read from: inside a transaction or outside.
Source = Mongo | Transaction


def session_of(source: Source) -> Session | None:
    """The session of a transaction, or None outside."""
    return source.session if isinstance(source, Transaction) else None


async def ensure_derived_indexes(mongo: Mongo) -> None:
    """Creates the indexes of collections that are folded from the facts."""
    for name in DERIVED:
        await mongo[name].create_indexes(_INDEXES[name])


async def ensure_indexes(mongo: Mongo) -> None:
    """Creates collections and indexes."""
    # A collection that is created inside a transaction would take a lock.
    existing = set(await mongo.database.list_collection_names())
    for name in (*OWNED, *PASSING):
        if name not in existing:
            with contextlib.suppress(CollectionInvalid):  # Another process created it meanwhile.
                await mongo.database.create_collection(name)
    for name, indexes in _INDEXES.items():
        await mongo[name].create_indexes(indexes)
