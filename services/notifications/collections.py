"""Collections of the notifications service, and the indexes that its queries need."""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.delivery.mongo.database import Mongo
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS

WEBHOOK_ENDPOINTS: Final = "webhook_endpoints"
WEBHOOK_DELIVERIES: Final = "webhook_deliveries"

# No event records which messages were sent. A rebuild keeps the ledger, or people would get them twice.
OWNED: Final = (SENT, WEBHOOK_ENDPOINTS, WEBHOOK_DELIVERIES)
DERIVED: Final = (REFERRALS,)

INDEXES: Final = {
    SENT: [
        IndexModel([("locality", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("locality", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("locality", ASCENDING), ("status", ASCENDING), ("at", DESCENDING)]),
    ],
    TASKS: [IndexModel([("locality", ASCENDING), ("referral", ASCENDING)])],
    WEBHOOK_ENDPOINTS: [IndexModel([("state", ASCENDING), ("locality", ASCENDING)])],
    WEBHOOK_DELIVERIES: [
        IndexModel(
            [("endpoint", ASCENDING), ("state", ASCENDING), ("not_before", ASCENDING), ("at", ASCENDING)]
        ),
        IndexModel([("endpoint", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("expires", ASCENDING)], name="deliveries_end", expireAfterSeconds=0),
    ],
}


async def ensure_indexes(mongo: Mongo) -> None:
    """Creates the indexes that are missing."""
    for name, indexes in INDEXES.items():
        await mongo[name].create_indexes(indexes)
