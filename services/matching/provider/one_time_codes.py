"""Codes with which a service proves itself before it sees a name: hashed, expiring, few tries, used once."""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pymongo import ReturnDocument

from services.matching.collections import CODES
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.key_ring import KeyRing

CODE_MINUTES: Final = 15
TRIES: Final = 5
CODES_AN_HOUR: Final = 5
# The record that a name was shown outlives every link.
SHOWN_KEPT: Final = timedelta(days=400)


class TooManyCodes(Exception):
    """Five codes in an hour have been sent."""


class WrongCode(Exception):
    """The code is wrong, or no tries are left."""


class CodeExpired(Exception):
    """There is no valid code: too old, used, or never sent."""


def six_digits() -> str:
    """A fresh code."""
    return f"{secrets.randbelow(1_000_000):06}"


class Codes:
    """The codes of prescriptions. Only a keyed hash of each is stored."""

    def __init__(self, mongo: Mongo, key: str, clock: Clock, fresh: Callable[[], str] = six_digits) -> None:
        self._mongo = mongo
        self._keys = KeyRing.of(key)
        self._clock = clock
        self._fresh = fresh

    async def make(self, locality: str, prescription_id: str) -> str:
        """Makes a new code in place of an earlier one. Raises TooManyCodes."""
        now, identity = self._clock(), _id(locality, prescription_id)
        code = self._fresh()
        known = await self._mongo[CODES].find_one({"_id": identity})
        sent: list[datetime] = [at for at in (known or {}).get("sent", []) if at > now - timedelta(hours=1)]
        if len(sent) >= CODES_AN_HOUR:
            raise TooManyCodes
        row = {
            "hash": self._hashes(identity, code)[0],
            "expires_at": now + timedelta(minutes=CODE_MINUTES),
            "tries": 0,
            "sent": [*sent, now],
        }
        change = {"$set": row, "$max": {"forget_at": now + timedelta(hours=2)}}
        await self._mongo[CODES].update_one({"_id": identity}, change, upsert=True)
        return code

    async def check(self, locality: str, prescription_id: str, code: str) -> str:
        """Counts a try and returns the argument of `use`. Raises WrongCode, CodeExpired.

        The try is counted before the code is checked, so that simultaneous tries get no more than successive
        ones.
        """
        identity = _id(locality, prescription_id)
        row = await self._mongo[CODES].find_one_and_update(
            {"_id": identity, "hash": {"$ne": ""}, "expires_at": {"$gt": self._clock()}},
            {"$inc": {"tries": 1}},
            return_document=ReturnDocument.AFTER,
        )
        if row is None:
            raise CodeExpired
        stored = str(row["hash"])
        offered = self._hashes(identity, "".join(code.split()))
        if row["tries"] > TRIES or not any(hmac.compare_digest(stored, each) for each in offered):
            raise WrongCode
        return stored

    async def use(self, locality: str, prescription_id: str, checked: str) -> None:
        """Uses the code up. Of simultaneous calls only one succeeds. Raises CodeExpired."""
        now = self._clock()
        change = {"$set": {"hash": "", "shown_at": now}, "$max": {"forget_at": now + SHOWN_KEPT}}
        used = await self._mongo[CODES].update_one(
            {"_id": _id(locality, prescription_id), "hash": checked}, change
        )
        if used.modified_count != 1:
            raise CodeExpired

    async def shown_at(self, locality: str, prescription_id: str) -> datetime | None:
        """The moment at which a code was last used and a name shown."""
        row = await self._mongo[CODES].find_one({"_id": _id(locality, prescription_id)})
        at: datetime | None = (row or {}).get("shown_at")
        return at

    def _hashes(self, identity: str, code: str) -> list[str]:
        """The hash under each key, newest first."""
        return [mac.hex() for mac in self._keys.macs(f"code|{identity}|{code}".encode())]


def _id(locality: str, prescription_id: str) -> str:
    return f"{locality}/{prescription_id}"
