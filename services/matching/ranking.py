"""Which services suit a need, each with why, and why not for near misses."""

from dataclasses import dataclass
from enum import StrEnum

from shared.directory.model import Service


class Why(StrEnum):
    """What speaks for a service."""

    NEED = "need"
    NEAR = "near"
    FREE = "free"
    STEP_FREE = "step_free"
    HOURS = "hours"
    LANGUAGE = "language"
    CAPACITY = "capacity"
    ASSURED = "assured"


class WhyNot(StrEnum):
    """What speaks against it. One of these makes it a near miss, unless it is only a `caution`."""

    FULL = "full"
    CLOSED = "closed"
    TOO_FAR = "too_far"
    AGE = "age"
    NOT_STEP_FREE = "not_step_free"
    NO_TIMES = "no_times"
    STALE = "stale"
    COST_NOT_KNOWN = "cost_not_known"
    STEP_FREE_NOT_KNOWN = "step_free_not_known"
    DISTANCE_NOT_KNOWN = "distance_not_known"
    WAITING_LIST = "waiting_list"
    ASSESSMENT_FIRST = "assessment_first"


@dataclass(frozen=True, slots=True)
class RankedService:
    """A service and how it suits. `sentences` and `against` are plain English, ready to show.

    `distance_km` is as the crow flies to its nearest place; None where it is not known.
    """

    service: Service
    suitable: bool
    why: tuple[Why, ...]
    why_not: tuple[WhyNot, ...]
    sentences: tuple[str, ...]
    against: tuple[str, ...]
    distance_km: float | None
    next_session: str | None
    """"Tuesday 4 March, 10am", in London time."""
    can_be_asked: bool
    """There is an address for a one-tap ask; otherwise it can only be signposted or rung."""
