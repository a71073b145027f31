"""Names of matching's collections, and their indexes."""

from contextlib import suppress
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.kept_filters import KEPT_FILTERS
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

LINK_WORKERS: Final = "link_workers"
ROOMS: Final = "rooms"
ROOM_DAYS: Final = "room_days"
DAYS: Final = "days"
CASELOADS: Final = "caseloads"
SERVICES: Final = "services"
IMPORTS: Final = "imports"
DRAFTS: Final = "drafts"
CODES: Final = "codes"
PLACES: Final = "places"
LINKS: Final = "links"
FEEDS: Final = "feeds"
MAILBOXES: Final = "mailboxes"
CONSENTS: Final = "consents"
# A colleague's case that a link worker opened for cover.
COVERS: Final = "covers"
# Cases that went to another link worker.
HAND_OVERS: Final = "hand_overs"
# Sessions of managers with link workers.
SUPERVISIONS: Final = "supervisions"
# Checks that one process does once a night.
CHECKS: Final = "checks"
# Secret addresses of calendar feeds, by link worker.
CALENDARS: Final = "calendars"
# How far the link workers of a casework elsewhere were read.
PUBLISHED: Final = "published_link_workers"

OWNED: Final = (
    LINK_WORKERS,
    ROOMS,
    ROOM_DAYS,
    DAYS,
    CASELOADS,
    SERVICES,
    IMPORTS,
    DRAFTS,
    CODES,
    PLACES,
    LINKS,
    FEEDS,
    MAILBOXES,
    CONSENTS,
    COVERS,
    HAND_OVERS,
    SUPERVISIONS,
    CHECKS,
    CALENDARS,
    PUBLISHED,
    KEPT_FILTERS,
)
DERIVED: Final = (REFERRALS,)


async def ensure_indexes(mongo: Mongo) -> None:
    """Creates collections and indexes. A collection created inside a transaction would take a lock."""
    existing = set(await mongo.database.list_collection_names())
    for name in OWNED:
        if name not in existing:
            with suppress(CollectionInvalid, OperationFailure):  # another process has just created it
                await mongo.database.create_collection(name)
    await mongo[LINK_WORKERS].create_indexes([IndexModel([("locality", ASCENDING)])])
    await mongo[ROOMS].create_indexes([IndexModel([("locality", ASCENDING)])])
    await mongo[ROOM_DAYS].create_indexes(
        [
            IndexModel([("room", ASCENDING), ("day", ASCENDING)]),
            IndexModel([("locality", ASCENDING), ("held.r", ASCENDING)]),
        ]
    )
    await mongo[DAYS].create_indexes(
        [
            IndexModel([("link_worker", ASCENDING), ("day", ASCENDING)]),
            IndexModel([("locality", ASCENDING), ("held.r", ASCENDING)]),
        ]
    )
    await mongo[CASELOADS].create_indexes([IndexModel([("locality", ASCENDING), ("referrals", ASCENDING)])])
    await mongo[SERVICES].create_indexes(
        [
            IndexModel([("needs", ASCENDING), ("status", ASCENDING)]),
            IndexModel([("feed", ASCENDING)]),
            IndexModel([("service.email", ASCENDING)]),
        ]
    )
    await mongo[IMPORTS].create_indexes([IndexModel([("at", ASCENDING)])])
    await mongo[DRAFTS].create_indexes([IndexModel([("at", ASCENDING)])])
    await mongo[MAILBOXES].create_indexes(
        [IndexModel([("link", ASCENDING)]), IndexModel([("old", ASCENDING)])]
    )
    await mongo[CODES].create_indexes([IndexModel([("forget_at", ASCENDING)], expireAfterSeconds=0)])
    await mongo[PLACES].create_indexes([IndexModel([("free_at", ASCENDING)])])
    await mongo[CALENDARS].create_indexes([IndexModel([("secret", ASCENDING)], unique=True)])
    await mongo[LINKS].create_indexes(
        [
            IndexModel([("forget_at", ASCENDING)], expireAfterSeconds=0),
            IndexModel([("referral", ASCENDING)]),
            IndexModel([("locality", ASCENDING), ("why", ASCENDING)]),
        ]
    )
    await mongo[COVERS].create_indexes(
        [
            IndexModel([("locality", ASCENDING), ("referral", ASCENDING), ("link_worker", ASCENDING)]),
            IndexModel([("link_worker", ASCENDING), ("until", DESCENDING)]),
            IndexModel([("whose", ASCENDING), ("until", DESCENDING)]),
        ]
    )
    await mongo[HAND_OVERS].create_indexes(
        [
            IndexModel([("batch", ASCENDING)]),
            IndexModel([("locality", ASCENDING), ("at", DESCENDING)]),
        ]
    )
    await mongo[SUPERVISIONS].create_indexes(
        [IndexModel([("locality", ASCENDING), ("link_worker", ASCENDING), ("held_on", DESCENDING)])]
    )
    await mongo[CHECKS].create_indexes([IndexModel([("at", ASCENDING)], expireAfterSeconds=90 * 86_400)])
    await mongo[REFERRALS].create_indexes(
        [
            IndexModel([("referral", ASCENDING)]),
            IndexModel([("view.link_worker", ASCENDING), ("view.open", ASCENDING)]),
            IndexModel([("view.created.practice", ASCENDING), ("view.open", ASCENDING)]),
            IndexModel([("view.meetings.id", ASCENDING)]),
            IndexModel([("view.meetings.link_worker", ASCENDING), ("view.meetings.starts_at", ASCENDING)]),
            IndexModel([("view.prescriptions.id", ASCENDING)]),
            IndexModel([("view.prescriptions.service", ASCENDING)]),
            IndexModel([("locality", ASCENDING), ("view.open", ASCENDING)]),
            IndexModel([("view.created.person_ref", ASCENDING)]),
            IndexModel([("view.unaccounted", ASCENDING)], partialFilterExpression={"view.unaccounted": True}),
        ]
    )
