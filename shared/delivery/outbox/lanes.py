"""The lane of a process: its lease, and the name by which the database knows the process."""

from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import LEASES

LANES = "lane/"


def lease_of(lane: str) -> str:
    """The lease that shows that the lane's process lives."""
    return f"{LANES}{lane}"


def process_name(lane: str) -> str:
    """The name by which the database knows the process of this lane."""
    return f"linkwork {lane}"


async def processes_of(mongo: Mongo) -> list[str]:
    """The names under which the service's processes connect to the database, also those that died."""
    leases = mongo[LEASES].find({"_id": {"$regex": f"^{LANES}"}}, {"_id": 1})
    return [process_name(row["_id"].removeprefix(LANES)) async for row in leases]
