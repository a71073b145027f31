"""Values of the manager's desk: figures and references. None holds a person's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.matching.referral_state.views import CaseLine
from services.matching.roster.link_workers import Half


@dataclass(frozen=True, slots=True)
class LeaveShown:
    """Days away of a link worker, or half a day. `end_unknown`: `last` is a day far ahead."""

    first: date
    last: date
    half: Half | None = None
    end_unknown: bool = False


@dataclass(frozen=True, slots=True)
class SupervisionState:
    """Supervision of a link worker: the last session and the next. `overdue`: none was held by its day."""

    last: date | None
    next: date | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A link worker's figures.

    Attributes:
        link_worker: None for cases of nobody, or of somebody who has left.
        counts: open cases by list; each opens the list of its code.
        load: weighted open cases; about 40 is full time.
        people_this_year: people referred in the last 365 days whose case is with them.
        failed_messages: open cases about which a message of four weeks could not be sent; None if that is not
            known just now. It opens the list `message-failed`.
        contact_p50, contact_p90: days since the last contact, of their open cases; None without any.
        leave: absences of today and of the next four weeks.
    """

    locality: str
    link_worker: str | None
    name: str
    open_cases: int
    counts: Mapping[str, int]
    load: float
    limit: int | None
    people_this_year: int
    failed_messages: int | None
    contact_p50: int | None
    contact_p90: int | None
    leave: tuple[LeaveShown, ...]
    away_today: bool
    supervision: SupervisionState | None


@dataclass(frozen=True, slots=True)
class LocalityCounts:
    """Data quality of a locality: open cases by list."""

    locality: str
    open_cases: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OpenedList:
    """The cases of a list."""

    code: str
    title: str
    locality: str
    link_worker: str | None
    cases: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class Discussed:
    """A case of a session. `note`: the id of what was said, in the vault."""

    referral_id: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A supervision session of a manager with a link worker. `withdrawn_at`: it was recorded by mistake."""

    session_id: str
    locality: str
    link_worker: str
    manager: str
    held_on: date
    next_on: date | None
    cases: tuple[Discussed, ...]
    at: datetime
    withdrawn_at: datetime | None = None
