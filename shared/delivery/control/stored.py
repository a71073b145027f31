"""The versions that a service has seen, in its own database: it starts with them while the broker is away."""

from collections.abc import Iterable
from typing import Final

from pymongo import UpdateOne

from shared.delivery.mongo.database import Mongo
from shared.platform.localities.versions import TableVersion

CONTROL_VERSIONS: Final = "control_versions"


async def stored_records(mongo: Mongo) -> list[bytes]:
    """The stored versions' records, in ascending order of their numbers.

    Raises:
        PyMongoError: the database is away.
    """
    rows = await mongo[CONTROL_VERSIONS].find({}).sort("_id", 1).to_list(None)
    return [bytes(row["record"]) for row in rows]


async def store_versions(mongo: Mongo, versions: Iterable[TableVersion]) -> None:
    """Stores the versions that are not stored yet.

    Raises:
        PyMongoError: the database is away.
    """
    writes = [
        UpdateOne(
            {"_id": version.number},
            {"$setOnInsert": {"record": version.encoded(), "in_force_from": version.in_force_from}},
            upsert=True,
        )
        for version in versions
    ]
    if writes:
        await mongo[CONTROL_VERSIONS].bulk_write(writes, ordered=True)
