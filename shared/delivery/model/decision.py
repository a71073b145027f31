"""What a decision is made with and what it comes to. Pure: decisions import this and no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.contract.events.models import EventBody
from shared.platform.ids import NewId


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """When and about what a decision is made. The clock and new ids come from here and nowhere else."""

    now: datetime
    new_id: NewId
    locality: str
    referral_id: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to be said: its body and, where it did not happen just now, when it happened."""

    body: EventBody
    time: datetime | None = None
    id: str | None = None
    """The event's id where the decision made it (a document of its own names it); else a fresh one."""


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """Something to look at again: `what` names the part's due function, `about` makes the key natural.

    It is looked at from `at` on, and not before it has rested for so long by the database's clock: "in twenty
    seconds" is a rest, since the clock that said `now` may be wrong. A row with the same key is kept as it is
    unless `move` says that the new time stands. After `not_after` it is dropped. `payload` holds codes and
    references only.
    """

    what: str
    about: str
    at: datetime
    not_after: datetime | None = None
    payload: Mapping[str, str | int | bool] = field(default_factory=dict)
    replace: bool = False
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A due row as its function sees it."""

    what: str
    about: str
    at: datetime
    payload: Mapping[str, str | int | bool]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: facts of our own, rows to look at later, rows (what, about) to forget."""

    facts: Sequence[NewEvent | EventBody] = ()
    tasks: Sequence[ScheduledTask] = ()
    cancelled_tasks: Sequence[tuple[str, str]] = ()


NOTHING = Decision()
