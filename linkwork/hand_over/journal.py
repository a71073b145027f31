"""The record of a hand-over in the database of the part's service: who, when, which step.

It also keeps an undone hand-over from going on. `begin_marks` and `undo` change the same field of the same
row, so that one of them alone succeeds, whatever command slept in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from linkwork.hand_over.steps import Marks, Step
from shared.contract.events.topics import SourcePart
from shared.delivery.mongo.database import Document, Mongo, Transaction
from shared.delivery.mongo.operations import OPERATIONS, note
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.localities import Claim

HAND_OVERS: Final = "hand_overs"
_OPEN: Final = "open"
_MARKING: Final = "marking"
_MARKED: Final = "marked"
_UNDONE: Final = "undone"
_MARKS: Final[Mapping[str, Marks]] = {_MARKING: "begun", _MARKED: "all"}


@dataclass(frozen=True)
class Entry:
    """The record of one hand-over: that to epoch `epoch`, under this claim."""

    marks: Marks = "none"
    end_written: bool = False
    undone: bool = False
    steps: Mapping[str, datetime] | None = None


@dataclass(frozen=True)
class Journal:
    """The records of one part's hand-overs in a locality."""

    mongo: Mongo
    locality: str
    part: SourcePart
    clock: Clock
    new_id: NewId
    by: str
    why: str

    async def read(self, epoch: int, claim: Claim | None) -> Entry:
        """The record of the hand-over to this epoch; an empty one if this claim has none."""
        row = await self.mongo[HAND_OVERS].find_one({"_id": self._id(epoch)})
        if row is None or claim is None or row["since"] != claim.since:
            return Entry()
        marks = _MARKS.get(row["state"], "none")
        return Entry(marks, bool(row.get("end_written")), row["state"] == _UNDONE, row["steps"])

    async def begin(self, epoch: int, claim: Claim, former: str) -> None:
        """Makes the record of a claim, unless there is one. That of an undone claim is replaced."""
        await self.mongo.make([HAND_OVERS, OPERATIONS])
        row = {
            "locality": self.locality,
            "part": self.part,
            "epoch": epoch,
            "from": former,
            "to": claim.to,
            "since": claim.since,
            "state": _OPEN,
            "end_written": False,
            "steps": {},
        }
        other = {"_id": self._id(epoch), "since": {"$ne": claim.since}, "state": {"$in": [_OPEN, _UNDONE]}}
        try:
            await self.mongo[HAND_OVERS].update_one(other, {"$set": row}, upsert=True)
        except DuplicateKeyError:
            return  # There is one of this claim.

    async def begin_marks(self, epoch: int, claim: Claim) -> bool:
        """Records that markers are written from now on. False if the hand-over was undone."""
        return await self._become(epoch, claim, _MARKING, [_OPEN, _MARKING, _MARKED])

    async def undo(self, epoch: int, claim: Claim) -> bool:
        """Records that the hand-over is undone. False if a marker may stand in the log."""
        return await self._become(epoch, claim, _UNDONE, [_OPEN, _UNDONE])

    async def _become(self, epoch: int, claim: Claim, state: str, former: list[str]) -> bool:
        which = {"_id": self._id(epoch), "since": claim.since, "state": {"$in": former}}
        done = await self.mongo[HAND_OVERS].update_one(which, {"$set": {"state": state}})
        return bool(done.matched_count)

    async def done(self, epoch: int, claim: Claim, step: Step | str, *, forced: bool = False) -> None:
        """Records a step that is done, and the operator who did it."""
        change: Document = {f"steps.{step}": self.clock()}
        if step == "mark":
            change["state"] = _MARKED
        if step == "end":
            change["end_written"] = True
        about = {
            "locality": self.locality,
            "part": self.part,
            "epoch": epoch,
            "to": claim.to,
            "forced": forced,
        }

        async def work(tx: Transaction) -> None:
            which: Mapping[str, Any] = {"_id": self._id(epoch), "since": claim.since}
            await tx[HAND_OVERS].update_one(which, {"$set": change}, session=tx.session)
            what, now = f"hand-over: {step}", self.clock()
            await note(tx, self.new_id, now, what=what, by=self.by, why=self.why, about=dict(about))

        await self.mongo.transact(work)

    def _id(self, epoch: int) -> str:
        return f"{self.locality}/{self.part}/{epoch}"
