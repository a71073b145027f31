"""The day of a first visit in forms: days at one press, and a day that is typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.matching.calendar import london_day
from services.matching.referral_state.views import Sessions
from services.matching.web.forms import Typed
from shared.platform.web.dates import day, example_day, short_day

FIELD = "visited_on"
PRESSED = "visited"
"""The button's name; its value is the day in ISO form."""


@dataclass(frozen=True, slots=True)
class VisitDays:
    """Days offered at one press, the latest first, and what to say of the next session."""

    offered: Sequence[tuple[str, str]]
    """(ISO day, words), none before the referral."""
    next_session: datetime | None


def visit_days(sessions: Sessions, referred_on: date, today: date) -> VisitDays:
    """Today, yesterday and the service's latest session; only days on which a first visit may have been."""
    session = london_day(sessions.last) if sessions.last else None
    names = {today: "Today", today - timedelta(days=1): "Yesterday"}
    days = {*names, *([session] if session else [])}
    offered = []
    for each in sorted(days, reverse=True):
        if referred_on <= each <= today:
            words = [*([names[each]] if each in names else []), day(each).rsplit(" ", 1)[0]]
            offered.append(
                (each.isoformat(), ", ".join([*words, *(["your session"] if each == session else [])]))
            )
    return VisitDays(offered, sessions.next)


def visit_day(typed: Typed, referred_on: date, today: date) -> date | None:
    """The day that was pressed or typed, from the referral to today. A mistake is noted in `typed`."""
    outside = (
        f"The first visit must be from {short_day(referred_on)}, when they were referred, to today"
        if referred_on < today
        else "They were referred today: the first visit can only be today"
    )
    pressed = typed.raw(PRESSED)
    if not pressed:
        example = example_day(today)
        sentence = f"Enter the day of the first visit, such as {example}"
        return typed.day(FIELD, sentence, first=referred_on, last=today, outside=outside)
    try:
        on = date.fromisoformat(pressed)
    except ValueError:
        typed.wrong(FIELD, "Press one of the days, or enter another day")
        return None
    if not referred_on <= on <= today:
        typed.wrong(FIELD, outside)
        return None
    return on
