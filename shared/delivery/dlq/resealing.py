"""Rotation of the keys of dead letters that wait for a replay. Those in the topic stay as they are."""

from collections import Counter
from dataclasses import dataclass

from shared.contract.events.topics import Part, dead_letter_topic
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.outbox.rows import Message


@dataclass(frozen=True)
class LetterRotation:
    """Counts what each key seals in one service's database, and seals it anew by the newest."""

    mongo: Mongo
    part: Part
    letters: DeadLetters

    async def by_key(self) -> Counter[str]:
        """The number of rows by the id of their key; "" is a key that is not here."""
        counted: Counter[str] = Counter()
        async for row in self.mongo[DEAD_LETTERS].find({"sealed": {"$exists": True}}):
            counted[self._key_of(row)] += 1
        return counted

    async def reseal(self) -> int:
        """Seals anew what an earlier key sealed; returns the number of rows. Safe to run twice."""
        done = 0
        async for row in self.mongo[DEAD_LETTERS].find({"sealed": {"$exists": True}}):
            if self._key_of(row) in ("", self.letters.key_ids[0]):
                continue
            anew = self.letters.sealed_anew(self._message(row))
            as_read = {"_id": row["_id"], "sealed": row["sealed"]}  # Unless it was replayed or asked anew.
            change = {"$set": {"sealed": anew.value, "headers": dict(anew.headers)}}
            done += (await self.mongo[DEAD_LETTERS].update_one(as_read, change)).modified_count
        return done

    def _key_of(self, row: Row) -> str:
        try:
            return self.letters.key_of(self._message(row))
        except ValueError:
            return ""

    def _message(self, row: Row) -> Message:
        return Message(dead_letter_topic(self.part), b"", row["sealed"], row["headers"])
