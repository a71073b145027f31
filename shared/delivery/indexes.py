"""Collections and indexes of the kernel in a service's database."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from shared.delivery.consumer.markers import MARKERS
from shared.delivery.control.stored import CONTROL_VERSIONS
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.offsets.handled import HANDLED, note_earlier_version
from shared.delivery.outbox.unpublished import OUTBOX_SET_ASIDE
from shared.delivery.ownership.standing import OWNERSHIP
from shared.delivery.rebuild.generations import GENERATIONS
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.commands import IDEMPOTENCY
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, OUTBOX, REFERRALS, TASKS

_REPLIES_KEPT_SECONDS: Final = 7 * 24 * 3600
_SLOTS_KEPT_SECONDS: Final = 24 * 3600
# Finds referrals that an earlier version of the fold made, or an earlier table.
FOLD_INDEX: Final = IndexModel([("fold", ASCENDING), ("locality", ASCENDING), ("rules", ASCENDING)])


async def ensure_indexes(mongo: Mongo) -> None:
    """Creates missing collections and indexes.

    Raises:
        PyMongoError: the database is away, or refuses them.
    """
    await note_earlier_version(mongo)
    # Before any transaction needs them, because a transaction that creates a collection takes a lock.
    owned = (
        *(OUTBOX, TASKS, SENT, DEAD_LETTERS, OPERATIONS, GENERATIONS, IDEMPOTENCY, MARKERS, HANDLED),
        *(CONTROL_VERSIONS, OWNERSHIP, OUTBOX_SET_ASIDE),
    )
    await mongo.make((REFERRALS, *owned))
    await mongo[REFERRALS].create_indexes([FOLD_INDEX])
    await mongo[OUTBOX].create_indexes([IndexModel([("lane", ASCENDING), ("_id", ASCENDING)])])
    await mongo[HANDLED].create_indexes([IndexModel([("locality", ASCENDING)])])
    ready = IndexModel([("not_before", ASCENDING), ("at", ASCENDING)])
    asked = IndexModel([("what", ASCENDING)], partialFilterExpression={"what": DECIDE_LATER})
    await mongo[TASKS].create_indexes([ready, asked])
    # Slots of processes that have died. One that lives makes new ones.
    joined = IndexModel([("joined", ASCENDING)], expireAfterSeconds=_SLOTS_KEPT_SECONDS)
    await mongo[OWNERSHIP].create_indexes([joined, IndexModel([("locality", ASCENDING)])])
    await mongo[DEAD_LETTERS].create_indexes([IndexModel([("state", ASCENDING), ("at", ASCENDING)])])
    await mongo[SENT].create_indexes([IndexModel([("locality", ASCENDING), ("referral", ASCENDING)])])
    await mongo[IDEMPOTENCY].create_indexes(
        [
            IndexModel([("at", ASCENDING)], expireAfterSeconds=_REPLIES_KEPT_SECONDS),
            IndexModel([("referral", ASCENDING)]),
        ]
    )
