"""The mark of a restored database.

While a restore writes, the mark keeps the service from starting. Its end holds every part: nothing is decided
until the log was read again (`catching_up.py`).
"""

from datetime import datetime
from typing import Final

from shared.delivery.mongo.database import Document, Mongo, Transaction
from shared.delivery.ownership.standing import OWNERSHIP
from shared.platform.errors import CannotStart

RESTORES: Final = "restores"
_MARK: Final = "database"
_WRITES: Final = {"_id": _MARK, "state": "writing"}


async def begin_restore(mongo: Mongo, now: datetime) -> None:
    """Marks an empty database before anything is restored into it.

    Raises:
        PyMongoError: the database is away.
    """
    await mongo[RESTORES].insert_one({**_WRITES, "begun": now})


async def end_restore(tx: Transaction, now: datetime) -> None:
    """Holds every part and lets the service start.

    The slots are those of processes of before the back-up, so none is kept.
    """
    owners, session = tx[OWNERSHIP], tx.session
    await owners.delete_many({"lane": {"$exists": True}}, session=session)
    # A back-up may have been made of a database that was held itself.
    decided = {"$cond": ["$held", "$decided", "$decides"]}
    held: list[Document] = [
        {"$set": {"decided": decided}},
        {"$set": {"held": True, "decides": False}},
        {"$unset": "until"},
    ]
    await owners.update_many({}, held, session=session)
    done = {"$set": {"state": "restored", "at": now}}
    await tx[RESTORES].update_one({"_id": _MARK}, done, session=session)


async def is_half_restored(mongo: Mongo) -> bool:
    """True if a restore has begun and not ended.

    Raises:
        PyMongoError: the database is away.
    """
    return await mongo[RESTORES].find_one(_WRITES) is not None


async def is_restored(mongo: Mongo) -> bool:
    """True if the database was restored, however long ago.

    Raises:
        PyMongoError: the database is away.
    """
    return await mongo[RESTORES].find_one({"_id": _MARK}) is not None


async def require_whole(mongo: Mongo) -> None:
    """Checks that no restore is under way, or was broken off.

    Raises:
        CannotStart: one is.
        PyMongoError: the database is away.
    """
    if await is_half_restored(mongo):
        raise CannotStart(
            f"The database {mongo.database.name} is half restored: nothing was written. Wait for the end of "
            "`linkwork backup restore`, or run it again."
        )
