"""How far a referral has come, as the practice sees it: the shared story and what is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.history import Meeting, ReferralHistory, Stage, fold_referral, stage_of
from shared.contract.history.fold import SourcePriority
from shared.contract.history.next_step import step_of
from shared.platform.clock import london_day

VERSION = 5
"""Raise it when `fold` or `to_document` change: stored referrals are then folded again."""

IN_TOUCH: Final = "in_touch"
"""What follows where there is no appointment yet: the person hears from us by the day that was promised."""


@dataclass(frozen=True, slots=True)
class NextEvent:
    """What happens next, as a code of `NextStepCode` or `in_touch`, and when."""

    what: str
    on: date
    at: datetime | None = None
    """The exact time, where it is a meeting."""


@dataclass(frozen=True, slots=True)
class ReferralState:
    """One referral as this service sees it."""

    story: ReferralHistory
    stage: Stage
    next: NextEvent | None


def fold(facts: Sequence[Fact], rank: SourcePriority) -> ReferralState:
    """The status that this set of facts tells, whatever order they came in."""
    story = fold_referral(facts, rank)
    return ReferralState(story, stage_of(story), _next(story))


def _next(story: ReferralHistory) -> NextEvent | None:
    if not story.open:
        return None
    if story.active is not None:
        at = story.active.booked.starts_at
        return NextEvent(v.NextStepCode.MEET, london_day(at), at)
    step = step_of(story)
    if step is None:
        return None
    promised = step.derived and story.waiting is not None and not (story.attended or story.prescriptions)
    return NextEvent(IN_TOUCH if promised else step.code, step.on)


def to_document(status: ReferralState) -> dict[str, Any]:
    """What is stored of a status and asked for in lists: codes, references and times only."""
    story, created = status.story, status.story.created
    return {
        "stage": status.stage.value,
        "open": story.open,
        "practice": created.practice if created else None,
        "person": created.person_ref if created else None,
        "source": story.created_said.source if story.created_said else None,
        "created": story.created_said.time if story.created_said else None,
        "changed": story.last_recorded,
        "urgency": created.urgency.value if created else None,
        "link_worker": story.link_worker,
        "next": _stored_next(status.next),
        "meeting": meeting_document(story.active) if story.active else None,
        "waiting": _waiting(story),
        "details_to_gp": story.details_to_gp.value,
        "plan": story.plan is not None or bool(story.prescriptions),
        "resends": created.resends if created else None,
        "returned": _returned(story),
    }


def meeting_document(meeting: Meeting) -> dict[str, Any]:
    """A meeting as it is stored and shown."""
    booked = meeting.booked
    return {
        "id": booked.meeting_id,
        "sequence": booked.sequence,
        "starts_at": booked.starts_at,
        "minutes": booked.minutes,
        "mode": booked.mode.value,
        "practice": booked.practice,
        "link_worker": booked.link_worker,
        "provisional": booked.provisional,
    }


def _returned(story: ReferralHistory) -> dict[str, Any] | None:
    """Why and when it was sent back to the practice, and the note that says more; None where it was not."""
    ending = story.endings[-1] if story.endings and not story.erased else None
    if ending is None or ending.kind != "returned":
        return None
    return {"reason": str(ending.reason), "at": ending.said.time, "note": ending.note}


def _waiting(story: ReferralHistory) -> dict[str, str] | None:
    if story.waiting is None:
        return None
    return {"reason": story.waiting.reason.value, "expected_by": story.waiting.expected_by.isoformat()}


def _stored_next(coming: NextEvent | None) -> dict[str, Any] | None:
    if coming is None:
        return None
    return {"what": str(coming.what), "on": coming.on.isoformat(), "at": coming.at}
