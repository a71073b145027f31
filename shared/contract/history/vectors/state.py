"""The state of a history as JSON values, by section: codes, dates and references to facts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

from shared.contract.events.envelope import stamp
from shared.contract.history.model import EventRef, Meeting, Prescription, ReferralHistory
from shared.contract.history.next_step import step_of
from shared.contract.history.section import Section, with_needs
from shared.contract.history.stage import stage_of

State = dict[str, Any]


def state_of(history: ReferralHistory, sections: Iterable[Section]) -> State:
    """The state of these sections, and of those that they need, by their names."""
    latest = history.last_recorded
    state: State = {section.name: _STATES[section.name](history) for section in with_needs(sections)}
    return state | {"last_recorded": stamp(latest) if latest else None}


def ref(said: EventRef | None) -> dict[str, str] | None:
    """The source and id of a fact."""
    return {"source": said.source, "id": said.id} if said is not None else None


def _creation(history: ReferralHistory) -> Any:
    return ref(history.created_said)


def _contact(history: ReferralHistory) -> Any:
    return history.contact.value


def _contact_attempts(history: ReferralHistory) -> Any:
    return [ref(said) for _, said in history.contacts]


def _meetings(history: ReferralHistory) -> Any:
    return {
        "meetings": [_meeting(meeting) for meeting in history.meetings],
        "active": history.active.booked.meeting_id if history.active else None,
        "waiting": ref(history.waiting_said),
        "link_worker": history.link_worker,
    }


def _meeting(meeting: Meeting) -> Any:
    return {
        "meeting_id": meeting.booked.meeting_id,
        "fact": ref(meeting.said),
        "provisional": meeting.booked.provisional,
        "status": meeting.status,
        "outcome": ref(meeting.outcome),
        "held_on": meeting.held_on.isoformat(),
    }


def _plan(history: ReferralHistory) -> Any:
    return ref(history.plan_said)


def _prescriptions(history: ReferralHistory) -> Any:
    return [_prescription(each) for each in history.prescriptions]


def _prescription(one: Prescription) -> Any:
    return {
        "prescription_id": one.prescribed.prescription_id,
        "fact": ref(one.said),
        "status": one.status,
        "since": one.since.isoformat(),
        "reply": ref(one.reply_said),
        "first_visit": {"on": _day(one.started_on), "fact": ref(one.started_said)}
        if one.started_on
        else None,
        "not_started": ref(one.not_started_said),
        "ended": ref(one.ended_said),
        "may_share": one.may_share.value,
    }


def _unmet_needs(history: ReferralHistory) -> Any:
    return [ref(said) for _, said in history.unmet]


def _measures(history: ReferralHistory) -> Any:
    return [
        {"instrument": instrument.value, "stage": stage.value, "fact": ref(said)}
        for (instrument, stage), (_, said) in sorted(history.measured.items(), key=lambda each: each[0])
    ]


def _sharing(history: ReferralHistory) -> Any:
    return {"details_to_gp": history.details_to_gp.value, "follow_up": history.follow_up.value}


def _endings(history: ReferralHistory) -> Any:
    return {
        "endings": [{"kind": e.kind, "reason": str(e.reason), "fact": ref(e.said)} for e in history.endings],
        "reopenings": history.reopenings,
        "erased": history.erased,
        "open": history.open,
    }


def _next_step(history: ReferralHistory) -> Any:
    step = step_of(history)
    return {
        "said": ref(history.next_step_said),
        "holds": {"code": step.code.value, "on": step.on.isoformat(), "derived": step.derived}
        if step
        else None,
    }


def _stage(history: ReferralHistory) -> Any:
    return stage_of(history).value


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


_STATES: Final[Mapping[str, Callable[[ReferralHistory], Any]]] = {
    "creation": _creation,
    "contact": _contact,
    "contact_attempts": _contact_attempts,
    "meetings": _meetings,
    "plan": _plan,
    "prescriptions": _prescriptions,
    "unmet_needs": _unmet_needs,
    "measures": _measures,
    "sharing": _sharing,
    "endings": _endings,
    "next_step": _next_step,
    "stage": _stage,
}
