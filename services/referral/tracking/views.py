"""A referral and its appointment as pages show them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import holidays

from services.referral.clients.matching import Matching
from services.referral.identity.context import ReferralContext
from services.referral.identity.people import details_location
from services.referral.tracking.plans import Plan
from services.referral.tracking.record import copy_for_the_record, next_line
from services.referral.web import words
from shared.contract.events.topics import our_parts
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row
from shared.platform.clock import LONDON
from shared.platform.web import dates

_SATURDAY = 5


def referral_line(context: ReferralContext, row: Row, plan: Plan | None = None) -> dict[str, Any]:
    """A referral as a line of a list. `plan` is the part that the practice may see."""
    view = row["view"]
    practice, today = context.practice_name(view["practice"]), context.today()
    return {
        "id": row["referral"],
        "stage": Stage(view["stage"]),
        "made": view["created"],
        "days": (context.kernel.clock() - view["created"]).days,
        "next": next_line(view, today) or _promise(context, view),
        "practice": practice,
        "kept": details_location(context, row),
        "ours": context.speaks(row["locality"]),
        "urgent": view["urgency"] == "soon",
        "returned": view["returned"]["reason"] if view["returned"] else None,
        "record": copy_for_the_record(row, practice, today, plan),
        "plan_away": plan is not None and plan.state == "away",
    }


async def appointment(context: ReferralContext, matching: Matching, row: Row) -> dict[str, Any]:
    """Day, time, room and link worker of a referral's meeting, or the day of the promised contact."""
    meeting = row["view"]["meeting"]
    if meeting is None:
        return {"meeting": None, "in_touch": in_touch_by(context, row["view"])}
    link_worker, room = await matching.link_worker_and_place(
        row["locality"], meeting["link_worker"], meeting["id"]
    )
    return {
        "meeting": meeting,
        "booked_by": booked_by(meeting),
        "link_worker": link_worker,
        "room": room or _site(context, meeting["practice"]),
    }


def booked_by(meeting: Mapping[str, Any]) -> str | None:
    """The name of the source that booked a meeting, such as `booking-js`; None for our own."""
    source = meeting.get("said_by")
    return None if source is None or our_parts(source) else str(source).rpartition("/")[2]


def in_touch_by(context: ReferralContext, view: Mapping[str, Any]) -> date:
    """The day by which we contact a person without an appointment: matching's, or the one we promise."""
    if view["waiting"] is not None:
        return date.fromisoformat(view["waiting"]["expected_by"])
    made_on = view["created"].astimezone(LONDON).date()
    return working_days_later(made_on, context.settings.in_touch_days)


def working_days_later(day: date, count: int) -> date:
    """The day `count` working days later, without weekends and England's bank holidays."""
    closed = holidays.country_holidays("GB", subdiv="ENG", years=(day.year, day.year + 1))
    later = day
    while count > 0:
        later += timedelta(days=1)
        if later.weekday() < _SATURDAY and later not in closed:
            count -= 1
    return later


def _promise(context: ReferralContext, view: Mapping[str, Any]) -> str:
    if view["stage"] != Stage.WAITING:
        return ""
    return f"{words.NEXT['in_touch']} {dates.short_day(in_touch_by(context, view))}"


def _site(context: ReferralContext, code: str) -> str:
    """The building of a practice, as a visitor knows it."""
    practice = context.localities.practice(code)
    return practice.site if practice else code
