"""Collections of the evaluation service, and the index that its reports need."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

SUMS: Final = "sums"

OWNED: Final[tuple[str, ...]] = ()
DERIVED: Final = (REFERRALS, SUMS)

INDEXES: Final = {SUMS: [IndexModel([("period", ASCENDING)])]}


async def ensure_indexes(mongo: Mongo) -> None:
    """Creates the sums and their index. A collection created inside a transaction would take a lock."""
    await mongo.make([SUMS])
    for name, indexes in INDEXES.items():
        await mongo[name].create_indexes(indexes)
