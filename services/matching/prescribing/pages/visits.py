"""The day of a first visit in forms: offered days, each a button, or another day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.matching.calendar import london_day
from services.matching.directory.views import Sessions
from services.matching.web.forms import FormInput
from shared.platform.web.dates import day, example_day, short_day

FIELD = "visited_on"
# Name of the buttons. Their value is the day in ISO form.
PRESSED = "visited"


@dataclass(frozen=True, slots=True)
class VisitDays:
    """Days offered as buttons, the latest first, and the time of the next session.

    `offered`: (ISO day, label). No day is before the referral.
    """

    offered: Sequence[tuple[str, str]]
    next_session: datetime | None


def visit_days(sessions: Sessions, referred_on: date, today: date) -> VisitDays:
    """Today, yesterday and the service's latest session, unless the person was referred later."""
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


def visit_day(typed: FormInput, referred_on: date, today: date) -> date | None:
    """The chosen or typed day, from the referral to today. Adds an error to `typed` for any other."""
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
        typed.add_error(FIELD, "Press one of the days, or enter another day")
        return None
    if not referred_on <= on <= today:
        typed.add_error(FIELD, outside)
        return None
    return on
