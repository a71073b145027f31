"""Values for the programme team."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.contract.events import vocabulary as v
from shared.contract.events.topics import SourcePart
from shared.contract.history import Stage
from shared.platform.web.owners import Owner


@dataclass(frozen=True, slots=True)
class UnmetCount:
    """One line of the unmet needs: a need, a reason, and their number."""

    need: v.Need
    reason: v.UnmetReason
    count: int


@dataclass(frozen=True, slots=True)
class PartElsewhere:
    """A part of a locality that is not ours or is being handed over, and the open cases there.

    Attributes:
        owner: None if it is ours.
        handed_to: the name of the next owner during a hand-over; `linkwork` for us.
    """

    part: SourcePart
    owner: Owner | None
    open_cases: int
    handed_to: str | None = None


@dataclass(frozen=True, slots=True)
class OverviewCase:
    """An open case that is on no link worker's list here. `owner`: of casework; None if it is ours."""

    locality: str
    referral_id: str
    practice: str
    stage: Stage
    created_at: datetime
    link_worker: str | None
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class OverviewCases:
    """The first of these cases, those that have waited longest, and how many there are."""

    cases: tuple[OverviewCase, ...]
    count: int


@dataclass(frozen=True, slots=True)
class LocalityNow:
    """Counts of a locality: open cases by stage, the longest wait for a meeting, unmet needs."""

    locality: str
    # Open cases only; a stage without any is left out.
    by_stage: Mapping[Stage, int]
    # Creation of the referral that has waited longest for a meeting.
    waiting_since: datetime | None
    # Open cases with at least one reason under "Needs you".
    needs_link_worker: int
    # The most frequent first, of the last 12 months.
    unmet: tuple[UnmetCount, ...]
    elsewhere: tuple[PartElsewhere, ...] = ()
