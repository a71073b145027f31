"""Rotation of the keys that seal addresses and secrets of endpoints."""

from collections import Counter
from dataclasses import dataclass

from services.notifications.collections import WEBHOOK_ENDPOINTS
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from shared.delivery.mongo.database import Document, Mongo, Row


@dataclass(frozen=True)
class EndpointRotation:
    """Counts what each key seals, and seals it anew by the newest, while the service runs."""

    mongo: Mongo
    sealing: Sealing

    async def by_key(self) -> Counter[str]:
        """The number of sealed texts by the id of their key; "" is a key that is not here."""
        counted: Counter[str] = Counter()
        async for row in self.mongo[WEBHOOK_ENDPOINTS].find({}, {"url": 1, "secrets": 1}):
            counted.update(self._key_of(sealed, row["_id"]) for sealed in _sealed(row))
        return counted

    async def reseal(self) -> int:
        """Seals anew what an earlier key sealed; returns the number of endpoints. Safe to run twice."""
        done = 0
        async for row in self.mongo[WEBHOOK_ENDPOINTS].find({}, {"url": 1, "secrets": 1}):
            keys = {self._key_of(sealed, row["_id"]) for sealed in _sealed(row)}
            if keys == {self.sealing.newest} or "" in keys:
                continue
            of = row["_id"]
            secrets = [{**each, "sealed": self._anew(each["sealed"], of)} for each in row["secrets"]]
            anew: Document = {"url": self._anew(row["url"], of), "secrets": secrets}
            # A secret that was rotated meanwhile stays as it is: the next run seals it.
            as_read = {"_id": row["_id"], "url": row["url"], "secrets": row["secrets"]}
            written = await self.mongo[WEBHOOK_ENDPOINTS].update_one(as_read, {"$set": anew})
            done += written.modified_count
        return done

    def _anew(self, sealed: bytes, endpoint: str) -> bytes:
        return self.sealing.seal(self.sealing.unseal(sealed, endpoint), endpoint)

    def _key_of(self, sealed: bytes, endpoint: str) -> str:
        try:
            return self.sealing.key_of(sealed, endpoint)
        except CannotUnseal:
            return ""


def _sealed(row: Row) -> list[bytes]:
    return [row["url"], *(each["sealed"] for each in row["secrets"])]
