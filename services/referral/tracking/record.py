"""Lines that a practice copies into the patient's record: SNOMED CT code, stage, and an agreed plan."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.referral.tracking.plans import Goal, Plan, PlannedService
from services.referral.web import words
from shared.contract import labels
from shared.contract.events.vocabulary import MeetingMode
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row
from shared.platform.web import dates

# SNOMED CT: referral to social prescribing service.
REFERRED = "871731000000106"


def copy_for_the_record(row: Row, practice: str, today: date, plan: Plan | None = None) -> str:
    """Two lines about a stored referral, and its plan if it is shown. `practice` is its name for staff."""
    view = row["view"]
    made = dates.short_day(view["created"])
    first = f"Referral to social prescribing service (SNOMED CT {REFERRED}), {made}, {practice}."
    lines = [first, f"{_now(view, today)} Reference {row['referral']}."]
    if plan is not None and plan.state == "shown":
        lines += [f"Goal: {goal_line(goal)}." for goal in plan.goals]
        lines += [f"Service: {service_line(service)}." for service in plan.services]
    return "\n".join(lines)


def goal_line(goal: Goal) -> str:
    """A goal in the person's own words with its need, or the need alone."""
    about = labels.PLAN_NEEDS[goal.need]
    said = f"{goal.words.strip().rstrip('.')} ({about.lower()})" if goal.words else about
    steps = [labels.ACTIONS[action].lower() for action in goal.actions]
    return f"{' '.join(said.split())}: {', '.join(steps)}" if steps else " ".join(said.split())


def service_line(service: PlannedService) -> str:
    """A service of the plan with its need, its status and the day since which it holds."""
    status = labels.PRESCRIPTIONS.get(service.status, "Not known")
    about = labels.PLAN_NEEDS[service.need].lower()
    return f"{service.name}, for {about}: {status.lower()}, since {dates.short_day(service.since)}"


def _now(view: Mapping[str, Any], today: date) -> str:
    coming = view["next"]
    if coming is not None and coming["at"] is not None:
        return f"Appointment booked for {dates.day_and_time(coming['at'])}{_elsewhere(view)}."
    stage, following = words.STAGES[Stage(view["stage"])], next_line(view, today)
    return f"{stage}. {following}." if following else f"{stage}."


def _elsewhere(view: Mapping[str, Any]) -> str:
    """The place of the appointment, unless it is at the practice."""
    mode = view["meeting"]["mode"] if view["meeting"] else MeetingMode.FACE_TO_FACE
    return f", {labels.at_where(mode, '')}" if mode in labels.PLACES else ""


def next_line(view: Mapping[str, Any], today: date) -> str:
    """The next event with its day, or an empty text. A past day is called overdue."""
    coming = view["next"]
    if coming is None:
        return ""
    if coming["at"] is not None:
        return f"Appointment {dates.day_and_time(coming['at'])}{_elsewhere(view)}"
    on = date.fromisoformat(coming["on"])
    late = " (overdue)" if on < today else ""
    return f"{words.NEXT[coming['what']]} {dates.short_day(on)}{late}"
