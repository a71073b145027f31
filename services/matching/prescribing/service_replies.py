"""Replies of services to referrals that reveal their places, for the directory."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from services.matching.directory.availability import Told, Word
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

# "Not suitable" reveals nothing of a service's places.
_WORDS: Final[Mapping[str, Word]] = {
    "full": Word.FULL,
    "waiting_list": Word.WAITING_LIST,
    "accepted": Word.TOOK_SOMEBODY,
    "started": Word.TOOK_SOMEBODY,
    "ended": Word.TOOK_SOMEBODY,
}


async def service_replies(mongo: Mongo, services: Collection[str], since: datetime) -> list[tuple[str, Told]]:
    """Every reply of these services since this moment, with the service's id."""
    replied = {"service": {"$in": list(services)}, "replied_at": {"$gt": since}}
    found: list[tuple[str, Told]] = []
    async for row in mongo[REFERRALS].find(
        {"view.prescriptions": {"$elemMatch": replied}}, {"view.prescriptions": 1}
    ):
        for one in row["view"]["prescriptions"]:
            word = _WORDS.get(one["status"])
            if one["service"] in services and one["replied_at"] is not None and word is not None:
                found.append((one["service"], Told(word, one["replied_at"])))
    return found
