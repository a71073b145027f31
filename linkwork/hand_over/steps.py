"""The steps of a hand-over. The next one follows from what is stored, so that any command goes on. Pure.

Ours to a partner:    claim -> stop -> drain -> mark -> give -> raise
A partner's to ours:  claim -> partners_end -> withdraw -> mark -> raise
The same, forced:     claim -> withdraw -> end -> pass -> mark -> raise
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.platform.localities import OURS, Claim

Step = Literal[
    "claim", "stop", "drain", "partners_end", "withdraw", "end", "pass", "mark", "give", "raise"
]  # fmt: skip
# Steps that somebody else does: our relays, the partner, admission.
WAITING: Final[frozenset[Step]] = frozenset({"drain", "partners_end", "pass"})
SAYS: Final[Mapping[Step, str]] = {
    "claim": "the hand-over stands in the table",
    "stop": "our part decides nothing more",
    "drain": "all that it decided is published",
    "partners_end": "the partner has ended its inbox, and admission has passed the end",
    "withdraw": "the former owner may not write its inbox, on every broker",
    "end": "the end stands in the silent partner's inbox",
    "pass": "admission has passed the end of the inbox",
    "mark": "the marker stands in every partition of the three topics",
    "give": "the new owner may write its inbox, on every broker",
    "raise": "the table names the new owner and its epoch",
}
# How far the markers of a hand-over are. Once the first may stand in the log, nothing is undone.
Marks = Literal["none", "begun", "all"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a part in a locality.

    Attributes:
        owner, epoch, claim: by the newest version of the table.
        decides: our service decides, by its database. It means nothing while a partner owns the part.
        outbox: rows of our part that are not published.
        may_write: names of sources that may write their inbox, on any broker.
        may_write_everywhere: those that may on every broker.
        ended: the last epoch in which admission has passed the end of the owner's inbox.
        end_written: this hand-over has written that end itself.
        marks: the markers of this hand-over.
        undone: the hand-over is being undone, by `back`.
    """

    owner: str
    epoch: int
    claim: Claim | None = None
    decides: bool = True
    outbox: int = 0
    may_write: frozenset[str] = frozenset()
    may_write_everywhere: frozenset[str] = frozenset()
    ended: int | None = None
    end_written: bool = False
    marks: Marks = "none"
    undone: bool = False

    @property
    def has_ended(self) -> bool:
        """True if admission has passed the end of the owner's inbox in this epoch."""
        return self.ended is not None and self.ended >= self.epoch


def next_step(stored: Stored, to: str, *, forced: bool = False) -> Step | None:
    """The next step of giving the part to this owner; None if it has it and nothing is under way."""
    if stored.claim is None:
        return None if stored.owner == to else "claim"
    if stored.marks != "all":
        return _before_the_markers(stored, forced=forced)
    if to != OURS and to not in stored.may_write_everywhere:
        return "give"
    return "raise"


def _before_the_markers(stored: Stored, *, forced: bool) -> Step:
    if stored.owner == OURS:
        if stored.decides:
            return "stop"
        return "drain" if stored.outbox else "mark"
    if not forced and not stored.has_ended:
        return "partners_end"
    if stored.owner in stored.may_write:
        return "withdraw"
    if stored.has_ended:
        return "mark"
    return "pass" if stored.end_written else "end"


# What becomes of a wish to give a part to an owner, or back to us.
#   nothing: it has the part, and nothing is under way.
#   go: begin, or go on.
#   undo: our part has been asked to stop and no marker stands yet. It decides again.
#   finish_first: the hand-over under way has to end, before another can begin.
Course = Literal["nothing", "go", "undo", "finish_first"]


def course(stored: Stored, to: str) -> Course:
    """What becomes of the wish that this owner has the part."""
    if stored.claim is None:
        return "nothing" if stored.owner == to else "go"
    if stored.claim.to == to and not stored.undone:
        return "go"
    return "undo" if stored.owner == OURS == to and stored.marks == "none" else "finish_first"
