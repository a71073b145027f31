"""The stored document of a referral: codes, references and times, which lists and pages query."""

from typing import Any, Final

from services.referral.referral_state.state import NextEvent, ReferralState
from shared.contract.history import Meeting, ReferralHistory

# So many of a referral are told. A flood about one referral must not fill its document.
MAX_UNCOUNTED: Final = 50


def to_document(state: ReferralState) -> dict[str, Any]:
    """The stored document of a referral: codes, references and times only."""
    story, created = state.story, state.story.created
    return {
        "stage": state.stage.value,
        "open": story.open,
        "practice": created.practice if created else None,
        "person": created.person_ref if created else None,
        "source": story.created_said.source if story.created_said else None,
        "created": story.created_said.time if story.created_said else None,
        "changed": story.last_recorded,
        "urgency": created.urgency.value if created else None,
        "link_worker": story.link_worker,
        "next": _stored_next(state.next),
        "meeting": meeting_document(story.active) if story.active else None,
        "waiting": _waiting(story),
        "unanswered": state.unanswered_since,
        "details_to_gp": story.details_to_gp.value,
        "plan": story.plan is not None or bool(story.prescriptions),
        "resends": created.resends if created else None,
        "returned": _returned(story),
        "uncounted": _uncounted(state),
    }


def _uncounted(state: ReferralState) -> list[dict[str, str]] | None:
    """Source, id and rule of partners' facts that do not count; None, which no index holds, if all do.

    None of an erased person either: nobody can say what is missing any more.
    """
    if state.story.erased:
        return None
    rows = [
        {"source": fact.source, "id": fact.id, "reason": reason.value}
        for fact, reason in state.uncounted[:MAX_UNCOUNTED]
    ]
    return rows or None


def meeting_document(meeting: Meeting) -> dict[str, Any]:
    """A meeting as the document holds it and pages show it."""
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
        "said_by": meeting.said.source,
    }


def _returned(story: ReferralHistory) -> dict[str, Any] | None:
    """Reason, time and note of a return to the practice, or None."""
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
