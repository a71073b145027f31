"""Actions, purposes and roles of audit entries in words."""

from collections.abc import Mapping
from typing import Final

from shared.contract import labels
from shared.delivery.audit.api import AuditLine
from shared.platform.web.audit import AuditKind

# Why the guardian looks, as the page asks and the audit records.
PURPOSES: Final[Mapping[str, str]] = {
    "data_subject_request": "The person asked who has looked at or changed their record",
    "guardian_check": "A check by the Caldicott guardian",
    "incident": "An incident or a complaint",
}
SERVICES: Final[Mapping[str, str]] = {
    "referral": "Referral",
    "matching": "Matching",
    "notifications": "Notifications",
    "evaluation": "Evaluation",
}
_KINDS: Final[Mapping[AuditKind, str]] = {
    AuditKind.READ: "Looked",
    AuditKind.CHANGE: "Changed",
    AuditKind.REFUSAL: "Refused",
}
_ACTIONS: Final[Mapping[str, str]] = {
    "away": "Moved the appointment: link worker away",
    "ask_another_time": "Asked the other system to move the appointment",
    "ask_book": "Asked the other system for an appointment",
    "ask_cancelled": "Asked the other system to cancel the appointment",
    "ask_confirmed": "Told the other system that the time suits",
    "ask_later": "Asked the other system to wait",
    "attended": "Recorded that the person came",
    "another_time": "Moved the appointment",
    "book": "Booked an appointment",
    "cancelled": "Cancelled an appointment",
    "close": "Closed the case",
    "confirm": "Recorded that the time suits",
    "decline": "Recorded that the person declines",
    "reopen": "Opened the case again",
    "sharing": "Recorded what may be shared",
    "unmet": "Recorded a need for which there is nothing",
    "here_after_all": "Gave the appointment back: link worker here after all",
    "later": "Waited, as the person asked",
    "change_contact": "Changed the telephone or whether it is safe to text",
    "claim": "Read details of the person for a page or a message",
    "drop_draft": "Deleted a draft of the meeting record",
    "ended": "Ended a service of the plan",
    "erase_person": "Erased the person",
    "file_returned": "Filed the returned referral",
    "find_person": "Looked the person up",
    "link_reply": "Answered through the service's link",
    "link_visit": "Reported the first visit through the service's link",
    "link_worker": "Changed the link worker",
    "missed": "Recorded that the person did not come",
    "name_asked": "Compared the name with a known person",
    "next_step": "Set the next step",
    "not_started": "Recorded why the service did not start",
    "plan": "Recorded the plan",
    "open_cover": "Opened a colleague's case for cover",
    "end_cover": "Ended a cover",
    "take": "Took the case from the team's queue",
    "undo_hand_over": "Took a hand-over back",
    "prescribe": "Added services to the plan",
    "read_audit": "Read this list",
    "export_audit": "Exported this list",
    "read_case": "Opened the case",
    "read_contact": "Read the telephone and whether it is safe to text",
    "read_notes": "Read notes",
    "read_person": "Read the person's details",
    "read_plan": "Read the plan",
    "refer": "Made the referral",
    "reply": "Recorded the service's answer",
    "retract": "Took an entry back",
    "same_person_confirmed": "Confirmed that it is the same person",
    "save_draft": "Saved a draft of the meeting record",
    "started": "Recorded the first visit",
    "store_note": "Stored a text",
    "withdraw": "Withdrew the referral",
}


def did(entry: AuditLine) -> str:
    """The action in words; an unknown one by its code."""
    if entry.kind is AuditKind.REFUSAL:
        return f"Was refused {entry.times} times" if entry.times > 1 else "Was refused"
    return _ACTIONS.get(entry.action, plain(entry.action).capitalize())


def kind(entry: AuditLine) -> str:
    """Looked, changed or refused."""
    return _KINDS[entry.kind]


def role(code: str) -> str:
    """The role in words; an unknown one by its code."""
    return labels.ROLES.get(code, code)


def plain(code: str) -> str:
    """A code without its joints, so that a line can break there."""
    return code.replace("_", " ").replace("=", ": ").replace(".", " ")
