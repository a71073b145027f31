"""Values that the programme team is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.contract.events import vocabulary as v
from shared.contract.history import Stage


@dataclass(frozen=True, slots=True)
class UnmetCount:
    """One line of the unmet-need ledger: how often, for this need, for this reason."""

    need: v.Need
    reason: v.UnmetReason
    count: int


@dataclass(frozen=True, slots=True)
class LocalityNow:
    """How a locality stands: open cases by stage, the longest wait for a meeting, and its unmet needs."""

    locality: str
    by_stage: Mapping[Stage, int]
    """Open cases only; a stage without any is left out."""
    waiting_since: datetime | None
    """When the referral that waits longest for a meeting was made."""
    needs_link_worker: int
    """Open cases with at least one reason under "Needs you"."""
    unmet: tuple[UnmetCount, ...]
    """The most frequent first, of the last 12 months."""
