"""Codes as people read them. NHS plain English: "service" for those who help, never "provider"."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.events import vocabulary as v
from shared.story import Stage
from shared.web import dates

NEEDS: Mapping[v.Need, str] = {
    v.Need.DEBT: "Managing debt",
    v.Need.BENEFITS: "Benefits",
    v.Need.JOB: "Finding a job",
    v.Need.HOUSING: "Housing",
    v.Need.BEFRIENDING: "Befriending and lunch clubs",
    v.Need.EXERCISE: "Leisure and exercise",
    v.Need.OUTDOORS: "Getting outdoors",
    v.Need.GARDENING: "Gardening and animal care",
    v.Need.CRAFT: "Craft",
    v.Need.CARING: "Caring for somebody",
    v.Need.BEREAVEMENT: "Bereavement",
    v.Need.OTHER: "Something else",
    v.Need.NOT_SURE: "Not sure: the link worker will ask",
}
"""The programme's own list, in the order of the form."""

SAFE_TO_TEXT: Mapping[v.SafeToText, str] = {
    v.SafeToText.YES: "Yes",
    v.SafeToText.RING: "No, ring",
    v.SafeToText.NOT_KNOWN: "Don’t know",
}
RISKS: Mapping[v.Risk, str] = {
    v.Risk.NONE_KNOWN: "No known risks",
    v.Risk.SEE_NOTE: "Yes",
}
AGREED_BY: Mapping[v.AgreedBy, str] = {
    v.AgreedBy.PERSON: "The person",
    v.AgreedBy.REPRESENTATIVE: "Somebody who acts for them",
}
AGREED_HOW: Mapping[v.AgreedHow, str] = {
    v.AgreedHow.IN_PERSON: "In person",
    v.AgreedHow.PHONE: "By telephone",
    v.AgreedHow.VIDEO: "By video",
    v.AgreedHow.WRITING: "In writing",
}
URGENCY: Mapping[v.Urgency, str] = {
    v.Urgency.ROUTINE: "Routine",
    v.Urgency.SOON: "Soon: within a week if possible",
}
ACCESS_NEEDS: Mapping[v.AccessNeed, str] = {
    v.AccessNeed.STEP_FREE: "Step-free access",
    v.AccessNeed.HEARING: "Hearing",
    v.AccessNeed.SIGHT: "Sight",
    v.AccessNeed.SPEECH: "Speech",
    v.AccessNeed.READING: "Reading or writing",
    v.AccessNeed.MEMORY: "Memory or concentration",
    v.AccessNeed.CARER_COMES: "A carer comes along",
    v.AccessNeed.HOME_VISIT: "Cannot leave home",
}
HALF_DAYS: Mapping[v.HalfDay, str] = {
    half: f"{day} {part}"
    for half, (day, part) in zip(
        v.HalfDay,
        [
            (day, part)
            for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
            for part in ("morning", "afternoon")
        ],
        strict=True,
    )
}
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "ar": "Arabic",
    "bn": "Bengali",
    "bfi": "British Sign Language",
    "cs": "Czech",
    "fa": "Farsi",
    "fr": "French",
    "gu": "Gujarati",
    "hi": "Hindi",
    "ku": "Kurdish",
    "lt": "Lithuanian",
    "ps": "Pashto",
    "pl": "Polish",
    "pt": "Portuguese",
    "pa": "Punjabi",
    "ro": "Romanian",
    "sk": "Slovak",
    "so": "Somali",
    "es": "Spanish",
    "ti": "Tigrinya",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "zh": "Chinese",
}
WITHDRAW_REASONS: Mapping[v.WithdrawReason, str] = {
    v.WithdrawReason.PERSON_ASKED: "The person asked for it",
    v.WithdrawReason.MADE_IN_ERROR: "It was made by mistake",
    v.WithdrawReason.MOVED_AWAY: "They moved away",
    v.WithdrawReason.DIED: "They died",
    v.WithdrawReason.OTHER: "Another reason",
}
STAGES: Mapping[Stage, str] = {
    Stage.UNKNOWN: "Not known yet",
    Stage.WAITING: "Waiting for an appointment",
    Stage.BOOKED: "Appointment booked",
    Stage.MISSED: "Did not come",
    Stage.MET: "Met the link worker",
    Stage.PRESCRIBED: "Service in the plan",
    Stage.STARTED: "First visit made",
    Stage.DECLINED: "Declined",
    Stage.RETURNED: "Sent back to the practice",
    Stage.WITHDRAWN: "Withdrawn",
    Stage.CLOSED: "Closed",
    Stage.ERASED: "Erased",
}
STAGE_COLOURS: Mapping[Stage, str] = {
    Stage.WAITING: "yellow",
    Stage.BOOKED: "blue",
    Stage.MISSED: "orange",
    Stage.MET: "aqua-green",
    Stage.PRESCRIBED: "aqua-green",
    Stage.STARTED: "green",
}
NEXT: Mapping[str, str] = {
    "meet": "The link worker meets them again by",
    "in_touch": "We will be in touch by",
    "ring": "The link worker will ring by",
    "text": "The link worker will send a text by",
    "wait_for_slot": "An appointment is expected by",
    "wait_for_service": "An answer from a service is expected by",
    "go_along": "The link worker goes along to the first visit by",
    "check_first_visit": "The link worker asks how the first visit went, by",
    "review": "The plan is looked at again by",
    "close": "To be closed by",
}
_HAPPENED: Mapping[str, str] = {
    "referral_created": "Referral made",
    "meeting_attended": "Met the link worker",
    "meeting_missed": "Did not come to the appointment",
    "link_worker_changed": "Another link worker took over",
    "activity_started": "First visit to a service",
    "activity_not_started": "First visit did not happen",
    "activity_ended": "Visits to a service ended",
    "need_unmet": "Nothing suitable was found for one need",
    "referral_declined": "Declined",
    "referral_returned": "Sent back to the practice",
    "referral_withdrawn": "Withdrawn",
    "referral_closed": "Closed",
    "referral_reopened": "Opened again",
    "person_erased": "Details erased",
}
_REPLIED: Mapping[str, str] = {
    "accepted": "A service said yes",
    "waiting_list": "A service has a waiting list",
    "full": "A service is full",
    "not_suitable": "A service was not suitable",
}


def happened(kind: str, detail: Mapping[str, Any]) -> str:
    """One line of a referral's history."""
    if kind == "meeting_booked":
        starts_at: datetime = detail["starts_at"]
        again = "Appointment moved to" if detail["sequence"] else "Appointment booked for"
        return f"{again} {dates.day_and_time(starts_at)}"
    if kind == "meeting_waiting":
        return f"No appointment yet: expected by {dates.short_day(detail['expected_by'])}"
    if kind == "meeting_cancelled":
        return "Appointment cancelled"
    if kind == "contact_attempted":
        return "The link worker reached them" if detail["reached"] else "The link worker tried to reach them"
    if kind == "service_prescribed":
        return (
            "Details of a service were given" if detail["signposted"] else "A service was added to the plan"
        )
    if kind == "plan_agreed":
        return "A plan was agreed" if detail["revision"] == 1 else "The plan was changed"
    if kind == "provider_replied":
        return _REPLIED[detail["reply"]]
    return _HAPPENED.get(kind, "Something else was recorded")
