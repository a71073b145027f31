"""The fence of one transaction: the standings on which it rests, written when it commits.

A transaction rests on a standing if it decides under it, and also if it leaves a decision out because the
part is another owner's. Else a fact that is stored while the part comes back could be decided by nobody.
"""

from typing import Protocol

from shared.contract.events.topics import SourcePart
from shared.delivery.mongo.database import Transaction
from shared.delivery.ownership.standing import Key, Standing


class Slots(Protocol):
    """What a fence asks of its process."""

    def standing(self, locality: str, part: SourcePart) -> Standing:
        """The standing, as the process knows it."""

    def owns(self, locality: str, part: SourcePart) -> bool:
        """True if decisions of the part may be made."""

    async def write(self, tx: Transaction, number: int, rests: dict[Key, Standing]) -> None:
        """Writes the slots of this number. Raises Conflict if a standing is another by now."""


class Fence:
    """The standings that one transaction has asked for. They stay as they were at the first question."""

    def __init__(self, slots: Slots, number: int) -> None:
        """`number` names the slots that no other transaction of the process writes meanwhile."""
        self._slots = slots
        self._number = number
        self._rests: dict[Key, Standing] = {}
        self._owns: dict[Key, bool] = {}

    def owns(self, locality: str, part: SourcePart) -> bool:
        """True if decisions of this part may be made. The transaction rests on the answer."""
        key = (locality, part)
        if key not in self._rests:
            self._rests[key] = self._slots.standing(locality, part)
            self._owns[key] = self._slots.owns(locality, part)
        return self._owns[key]

    def standing(self, locality: str, part: SourcePart) -> Standing:
        """The standing of a part. The transaction rests on it."""
        self.owns(locality, part)
        return self._rests[locality, part]

    def known(self, locality: str, part: SourcePart) -> Standing:
        """The standing of a part. The transaction does not rest on it."""
        return self._rests.get((locality, part)) or self._slots.standing(locality, part)

    async def write(self, tx: Transaction) -> None:
        """Writes a slot for each standing that was asked for; nothing if there is none.

        Raises:
            Conflict: a standing is another by now.
        """
        if self._rests:
            await self._slots.write(tx, self._number, self._rests)


class _Always:
    """The slots of a process whose parts are its own for ever."""

    def standing(self, locality: str, part: SourcePart) -> Standing:
        return Standing()

    def owns(self, locality: str, part: SourcePart) -> bool:
        return True

    async def write(self, tx: Transaction, number: int, rests: dict[Key, Standing]) -> None:
        """Writes nothing."""


def unfenced() -> Fence:
    """The fence of a unit of work that a test makes by itself: everything is ours, and nothing is written."""
    return Fence(_Always(), 0)
