"""Labels of codes under the names that these pages use, and a referral's history as sentences."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.contract import labels
from shared.platform.web import dates

NEEDS = labels.NEEDS_ASKED
SAFE_TO_TEXT = labels.SAFE_TO_TEXT
RISKS = labels.RISKS
AGREED_BY = labels.AGREED_BY
AGREED_HOW = labels.AGREED_HOW
URGENCY = labels.URGENCY
ACCESS_NEEDS = labels.ACCESS_NEEDS
HALF_DAYS = labels.HALF_DAYS
LANGUAGES = labels.LANGUAGES
WITHDRAW_REASONS = labels.WITHDRAWN
STAGES = labels.STAGES
STAGE_COLOURS = labels.STAGE_COLOURS
NEXT = labels.PRACTICE_NEXT_STEPS


def happened(kind: str, detail: Mapping[str, Any]) -> str:
    """A line of a referral's history."""
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
        return labels.PRACTICE_REPLIES[detail["reply"]]
    return labels.HAPPENED.get(kind, "Something else was recorded")
