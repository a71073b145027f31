"""Input and output of decisions. Pure: decisions import this module and no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.contract.events.models import EventBody
from shared.contract.events.topics import SourcePart
from shared.platform.ids import NewId


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The referral and the moment of a decision; its only source of time and of new ids.

    Attributes:
        actor: the person whose command it is, as an opaque word; None if nobody gave a command.
        ours_since: when the part of automatic decisions was handed over to us; None if it was ours always.
    """

    now: datetime
    new_id: NewId
    locality: str
    referral_id: str
    actor: str | None = None
    ours_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to emit.

    Attributes:
        time: when it happened; without it, now.
        id: the event's id if the decision made one, because a document names it; else a fresh id.
        part: the part that says it; without it, the one that says this kind of fact. A retraction names it.
    """

    body: EventBody
    time: datetime | None = None
    id: str | None = None
    part: SourcePart | None = None


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """Work to do later. `what` names the service's function; `about` makes the key natural.

    A task runs from `at` on, and not before `delay` has passed by the database's clock. "In twenty seconds"
    is a delay, because the clock that gave `now` may be wrong. `payload` holds codes and references only.

    Attributes:
        not_after: the scheduler drops the task after this time.
        replace: the new time replaces that of a stored task with the same key, which else stays as it is.
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
    """A stored task as its function receives it."""

    what: str
    about: str
    at: datetime
    payload: Mapping[str, str | int | bool]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Result of a decision: events to emit, tasks to schedule, tasks (what, about) to cancel."""

    facts: Sequence[NewEvent | EventBody] = ()
    tasks: Sequence[ScheduledTask] = ()
    cancelled_tasks: Sequence[tuple[str, str]] = ()


NOTHING = Decision()
