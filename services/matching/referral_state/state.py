"""A referral's state, folded from its facts, with fields for diaries and lists. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from services.matching.referral_state.attention import Reason, reasons_of
from shared.contract.events import outcomes as o
from shared.contract.events.fact import Fact, FactKey
from shared.contract.events.models import ReferralCreated
from shared.contract.events.topics import our_parts
from shared.contract.events.vocabulary import Instrument, WaitingReason
from shared.contract.history import (
    ALL_SECTIONS,
    EffectiveFacts,
    EventRef,
    Meeting,
    ReferralHistory,
    SourceTable,
    fold_referral,
    fold_version,
    stage_of,
)
from shared.contract.history.next_step import USUAL_DAYS, Step, StepDays, step_of, step_said

# Raise the figure when `fold` or `to_document` change: stored referrals are then folded again.
FOLD_VERSION: Final = fold_version(10, ALL_SECTIONS)
# The parts that this service fills.
MATCHING_PARTS: Final = our_parts("/meir/matching")
# After this many missed meetings the link worker arranges the next.
MISSES: Final = 2

_KEPT: Final = {
    "practice",
    "person_ref",
    "age_band",
    "needs",
    "risk",
    "contact",
    "urgency",
    "outward_code",
    "language",
    "interpreter",
    "access_needs",
    "cannot_come",
    "risk_note",
    "reason_note",
}

# Facts that only the link worker of a case states.
_BEGUN: Final = (
    o.ContactAttempted,
    o.MeetingAttended,
    o.MeetingMissed,
    o.PlanAgreed,
    o.ServicePrescribed,
    o.NeedUnmet,
)


class Wait(NamedTuple):
    """A reason for having no meeting, the day by which one is expected, and the moment of the statement."""

    reason: WaitingReason
    until: date
    said: datetime
    # Stated by matching itself, or by a former owner of booking. Most of these follow from the history.
    ours: bool


@dataclass(frozen=True, slots=True)
class ReferralState:
    """A referral as matching sees it."""

    story: ReferralHistory
    facts: tuple[Fact, ...] = ()
    # Ids of the meetings that matching booked itself.
    ours: frozenset[str] = frozenset()
    # Ids of the meetings that booking's owners booked: matching, and partners that owned booking here.
    of_owners: frozenset[str] = frozenset()
    # Every reason given for having no meeting.
    waits: frozenset[Wait] = frozenset()
    # The link worker named for this case.
    handed_to: str | None = None
    # The id of the fact that handed the case to them; None if it only stated their next step.
    handed_by: str | None = None
    # The creation was retracted: there is no referral any more.
    uncreated: bool = False
    # The latest moment in the facts: partners' by their time, our own by their recording.
    latest: datetime | None = None
    step: Step | None = None
    reasons: tuple[Reason, ...] = ()
    # The keys of facts that were retracted.
    retracted: frozenset[FactKey] = frozenset()

    @property
    def open(self) -> bool:
        """True while the referral is open."""
        return self.story.open

    @property
    def ended(self) -> bool:
        """Known, and no longer open: no diary may hold anything of it."""
        return self.uncreated or (self.story.created is not None and not self.story.open)

    @property
    def is_returned(self) -> bool:
        """True if one of its endings is a return to the referrer."""
        return any(end.kind == "returned" for end in self.story.endings)

    @property
    def unaccounted(self) -> bool:
        """Open and never met, with neither a meeting nor a reason for none. This must not last."""
        story = self.story
        return story.open and not (story.active or story.attended or story.waiting)

    @property
    def misses_allowed(self) -> int:
        """This many misses are rebooked automatically. A reopened referral counts anew."""
        return self.misses_forgiven(MISSES)

    def misses_forgiven(self, misses: int) -> int:
        """The same by a programme's rule: after so many misses, no meeting is booked automatically."""
        return misses * (1 + self.story.reopenings) - 1

    def meeting(self, meeting_id: str) -> Meeting | None:
        """The meeting with this id, or None."""
        return next((m for m in self.story.meetings if m.booked.meeting_id == meeting_id), None)


def fold(facts: Sequence[Fact], sources: SourceTable, days: StepDays = USUAL_DAYS) -> ReferralState:
    """Folds this set of facts, in whatever order they arrived. `days`: as the programme's rules have them."""
    story = fold_referral(facts, sources)
    told = EffectiveFacts(facts, sources)
    changed = told.of(o.LinkWorkerChanged)
    view = ReferralState(
        story=story,
        facts=tuple(facts),
        ours=frozenset(m.booked.meeting_id for m in story.meetings if "booking" in our_parts(m.said.source)),
        of_owners=frozenset(
            m.booked.meeting_id for m in story.meetings if "booking" in sources.parts(m.said.source)
        ),
        waits=frozenset(
            Wait(
                w.reason,
                w.expected_by,
                by.recorded,
                _our_own(by.source) or "booking" in sources.parts(by.source),
            )
            for w, by in told.of(o.MeetingWaiting)
        ),
        handed_to=changed[-1][0].link_worker if changed else None,
        handed_by=_handing(changed),
        uncreated=story.created is None and any(isinstance(f.body, ReferralCreated) for f in facts),
        retracted=frozenset(told.retracted),
        latest=max((f.recorded if _our_own(f.source) else f.time for f in facts), default=None),
    )
    step = step_of(story, days)
    reasons = reasons_of(story, step, step_said(story), view.misses_allowed, _handed_over(told), days.answer)
    return replace(view, step=step, reasons=reasons)


def _handing(changed: Sequence[tuple[o.LinkWorkerChanged, EventRef]]) -> str | None:
    """The id of the last change without a next step, which names its author and hands nothing over."""
    to = changed[-1][0].link_worker if changed else None
    of_these = [said.id for body, said in changed if body.next_step is None and body.link_worker == to]
    return of_these[-1] if of_these else None


def _handed_over(told: EffectiveFacts) -> datetime | None:
    """The moment of the last handover, if the new link worker has done nothing about the case yet."""
    changed = told.of(o.LinkWorkerChanged)
    if not changed:
        return None
    _, handed = changed[-1]
    # Before there is a plan, a next step names its author as link worker: that is no handover.
    steps = [said for body, said in changed if body.next_step is not None]
    done = [said for kind in _BEGUN for _, said in told.of(kind)]
    return None if any(said.id >= handed.id for said in [*steps, *done]) else handed.recorded


def _our_own(said_by: str) -> bool:
    return not MATCHING_PARTS.isdisjoint(our_parts(said_by))


def to_document(view: ReferralState) -> dict[str, Any]:
    """The stored and queried view. Dates are ISO text, moments UTC."""
    story, created = view.story, view.story.created
    return {
        "stage": stage_of(story).value,
        "open": story.open,
        "link_worker": story.link_worker,
        "created": {**_created(created), "contact": story.contact.value} if created else None,
        "said_by": story.created_said.source if story.created_said else None,
        "created_at": story.created_said.time if story.created_said else None,
        "active": story.active.booked.meeting_id if story.active else None,
        "last_contact": _last_contact(story),
        "planned": story.plan is not None,
        "ons4": _measured(story),
        "details_to_gp": story.details_to_gp.value,
        "unaccounted": view.unaccounted,
        "meetings": [_meeting(meeting) for meeting in story.meetings],
        "prescriptions": [
            {
                "id": p.prescribed.prescription_id,
                "service": p.prescribed.service_id,
                "need": p.prescribed.need.value,
                "status": p.status,
                "replied_at": p.reply_said.time if p.reply_said else None,
            }
            for p in story.prescriptions
        ],
        "unmet": [
            {"need": u.need.value, "reason": u.reason.value, "at": said.time} for u, said in story.unmet
        ],
        "waiting": {
            "reason": story.waiting.reason.value,
            "expected_by": story.waiting.expected_by.isoformat(),
        }
        if story.waiting and story.active is None and not story.attended
        else None,
        "step": {"code": view.step.code.value, "on": view.step.on.isoformat(), "derived": view.step.derived}
        if view.step
        else None,
        "reasons": [
            {"reason": r.reason.value, "since": r.since, "todo": r.todo.value, "about": r.about}
            for r in view.reasons
        ],
    }


def _last_contact(story: ReferralHistory) -> datetime | None:
    """The last time that the person was reached or met."""
    reached = [said.time for contact, said in story.contacts if contact.reached]
    met = [meeting.outcome.time for meeting in story.attended if meeting.outcome is not None]
    return max([*reached, *met], default=None)


def _measured(story: ReferralHistory) -> Mapping[str, Any] | None:
    """The first and the last day on which the wellbeing questions were answered; None for never."""
    days = sorted(
        body.on for (instrument, _), (body, _) in story.measured.items() if instrument is Instrument.ONS4
    )
    return {"first": days[0].isoformat(), "last": days[-1].isoformat()} if days else None


def _created(created: ReferralCreated) -> Mapping[str, Any]:
    return created.model_dump(mode="json", include=_KEPT)


def _meeting(meeting: Meeting) -> Mapping[str, Any]:
    booked = meeting.booked
    return {
        "id": booked.meeting_id,
        "sequence": booked.sequence,
        "link_worker": booked.link_worker,
        "practice": booked.practice,
        "starts_at": booked.starts_at,
        "minutes": booked.minutes,
        "mode": booked.mode.value,
        "provisional": booked.provisional,
        "status": meeting.status,
        "why": meeting.cancelled.why.value if meeting.cancelled else None,
        "said_by": meeting.said.source,
    }
