"""Lists of open cases that a manager counts and opens. Pure: one filter makes the count and the list.

A count that is shown anywhere is made of one of these, so that it opens exactly the cases that it counts.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from services.matching.referral_state.attention import NeedsYou
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.platform.clock import london_day

Filter = Mapping[str, Any]
# In place of a link worker: the cases of nobody, and of those who have left.
NOBODY: Final = "nobody"

OPEN_STAGES: Final = (
    Stage.WAITING,
    Stage.BOOKED,
    Stage.MISSED,
    Stage.MET,
    Stage.PRESCRIBED,
    Stage.STARTED,
)
# From one set of wellbeing questions to the next.
MEASURED_EVERY: Final = timedelta(weeks=12)
# A person with a plan hears from their link worker at least so often.
CONTACT_EVERY: Final = timedelta(weeks=6)
_AFTER_MEETING: Final = [Stage.MET.value, Stage.PRESCRIBED.value, Stage.STARTED.value]


class Group(StrEnum):
    """Groups of lists, as pages show them."""

    OPEN = "open"
    STAGE = "stage"
    MISSING = "missing"
    UNRECORDED = "unrecorded"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class CaseList:
    """One list. `which` gives its filter among open cases, at a moment and day."""

    code: str
    group: Group
    title: str
    which: Callable[[datetime, date], Filter]


def _of_stage(stage: Stage, title: str) -> CaseList:
    return CaseList(f"stage-{stage.value}", Group.STAGE, title, lambda _n, _d: {"view.stage": stage.value})


def _of_reason(code: str, group: Group, title: str, *reasons: NeedsYou) -> CaseList:
    wanted = [reason.value for reason in reasons]

    def which(now: datetime, _: date) -> Filter:
        return {"view.reasons": {"$elemMatch": {"reason": {"$in": wanted}, "since": {"$lte": now}}}}

    return CaseList(code, group, title, which)


def _overdue(_: datetime, today: date) -> Filter:
    return {"view.step.on": {"$lt": today.isoformat()}}


def _without_plan(_n: datetime, _d: date) -> Filter:
    return {"view.stage": {"$in": _AFTER_MEETING}, "view.planned": False}


def _without_scores(_n: datetime, _d: date) -> Filter:
    return {"view.stage": {"$in": _AFTER_MEETING}, "view.ons4": None}


def _not_asked(_n: datetime, _d: date) -> Filter:
    return {"view.stage": {"$in": _AFTER_MEETING}, "view.details_to_gp": v.Agreed.NOT_ASKED.value}


def _without_step(_n: datetime, _d: date) -> Filter:
    return {"view.step": None}


def _without_link_worker(_n: datetime, _d: date) -> Filter:
    return {"view.link_worker": None}


def _scores_due(_: datetime, today: date) -> Filter:
    return {"view.ons4.last": {"$lte": (today - MEASURED_EVERY).isoformat()}}


def _contact_due(now: datetime, _: date) -> Filter:
    before = {"$lte": now - CONTACT_EVERY}
    return {
        "view.stage": {"$in": _AFTER_MEETING},
        "$or": [{"view.last_contact": before}, {"view.last_contact": None, "view.created_at": before}],
    }


OPEN: Final = CaseList("open", Group.OPEN, "Open", lambda _n, _d: {})
OVERDUE: Final = CaseList("overdue", Group.DUE, "The next step is overdue", _overdue)

LISTS: Final[tuple[CaseList, ...]] = (
    OPEN,
    _of_stage(Stage.WAITING, "Waiting for an appointment"),
    _of_stage(Stage.BOOKED, "Appointment booked"),
    _of_stage(Stage.MISSED, "Did not come"),
    _of_stage(Stage.MET, "Met the link worker"),
    _of_stage(Stage.PRESCRIBED, "Service in the plan"),
    _of_stage(Stage.STARTED, "First visit made"),
    CaseList("no-link-worker", Group.MISSING, "No link worker", _without_link_worker),
    CaseList("no-next-step", Group.MISSING, "No next step", _without_step),
    CaseList("no-plan", Group.MISSING, "Met, and no plan", _without_plan),
    CaseList("no-scores", Group.MISSING, "Met, and no wellbeing answers", _without_scores),
    CaseList("sharing-not-asked", Group.MISSING, "Met, and not asked about details to the GP", _not_asked),
    _of_reason(
        "not-recorded",
        Group.UNRECORDED,
        "Appointment over, and not said whether they came",
        NeedsYou.NOT_RECORDED,
    ),
    _of_reason("no-answer", Group.UNRECORDED, "No answer of a service recorded", NeedsYou.SERVICE_SILENT),
    _of_reason("no-first-visit", Group.UNRECORDED, "First visit not recorded", NeedsYou.NO_FIRST_VISIT),
    OVERDUE,
    _of_reason("review-due", Group.DUE, "Review of the plan due", NeedsYou.REVIEW_DUE),
    CaseList("scores-due", Group.DUE, "Wellbeing questions due again", _scores_due),
    CaseList("contact-due", Group.DUE, "No contact for six weeks", _contact_due),
    _of_reason("no-meeting", Group.DUE, "Waits longer than promised", NeedsYou.NO_MEETING),
)
MESSAGE_FAILED: Final = "message-failed"
BY_CODE: Final[Mapping[str, CaseList]] = MappingProxyType({each.code: each for each in LISTS})


def message_failed(referrals: Collection[str]) -> CaseList:
    """The cases about which a message could not be sent. The notifications service says which these are."""
    among = {"referral": {"$in": sorted(referrals)}}
    return CaseList(MESSAGE_FAILED, Group.UNRECORDED, "A message could not be sent", lambda _n, _d: among)


def filter_of(
    case_list: CaseList,
    locality: str,
    now: datetime,
    whose: str | None = None,
    here: Collection[str] = (),
) -> dict[str, Any]:
    """The cases of a list in a locality.

    Args:
        case_list: the list.
        locality: the locality.
        now: the moment.
        whose: a link worker, or `NOBODY` for cases of none who is here; None for all.
        here: the link workers who have not left.
    """
    wanted: dict[str, Any] = {"locality": locality, "view.open": True, "view.created": {"$ne": None}}
    parts: list[Filter] = [case_list.which(now, london_day(now))]
    if whose == NOBODY:
        parts.append({"view.link_worker": {"$nin": sorted(here)}})
    elif whose is not None:
        parts.append({"view.link_worker": whose})
    return {**wanted, "$and": parts}
