"""The choice of a time on a page: first the earliest three, then day by day, with whom and where.

The address holds the choice so far: days, a link worker, a practice. Nothing of a person.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

from services.matching.booking.diary import HORIZON
from services.matching.booking.part import BookingOffer
from services.matching.booking.wanted import EARLIEST, TimesWanted
from services.matching.calendar import london_day
from services.matching.referral_state.pages.person_header import practice_name
from services.matching.roster.link_workers import LinkWorker
from services.matching.web.templating import localities, today
from shared.contract import labels
from shared.contract.api.booking import TimeOffered
from shared.contract.events.vocabulary import MeetingMode
from shared.platform.web.problem import Problem

# Asks for times: how many, and which.
Ask = Callable[[int, TimesWanted], Awaitable[Sequence[TimeOffered]]]
Choices = Sequence[tuple[str, str]]

FEW: Final = 3
_SHOWN: Final = timedelta(days=13)
_MANY: Final = 2_000


@dataclass(frozen=True, slots=True)
class DayOfTimes:
    """A day with times, and the address of the page that shows them."""

    day: date
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Chooser:
    """The choice so far, and what to choose from.

    Attributes:
        more: false while only the earliest times are shown.
        chosen: the day whose times are shown.
        nothing: why there are no times, if another owner gives none just now.
        earlier: the address of the days before; None at the first.
        later: the address of the days after; None at the last.
    """

    path: str
    more: bool
    link_worker: str
    practice: str
    mode: str
    first: date
    last: date
    times: Sequence[TimeOffered] = ()
    days: Sequence[DayOfTimes] = ()
    chosen: date | None = None
    nothing: str = ""
    earlier: str | None = None
    later: str | None = None
    link_workers: Choices = ()
    practices: Choices = ()
    modes: Choices = ()

    @property
    def href(self) -> str:
        """The address of this choice, to which its form is sent."""
        return self.at(self.first, self.chosen) if self.more else self.path

    def at(self, first: date, chosen: date | None = None) -> str:
        """The address of the days from `first` on, with the times of `chosen`."""
        given = {
            "more": "yes",
            "with": self.link_worker,
            "at": self.practice,
            "how": self.mode,
            "from": first.isoformat(),
            "day": chosen.isoformat() if chosen else "",
        }
        return f"{self.path}?{urlencode({name: value for name, value in given.items() if value})}"


async def chooser(
    request: Request, path: str, booking: BookingOffer, workers: Sequence[LinkWorker], ask: Ask
) -> Chooser:
    """Reads the choice from the address, and asks for the times that it leaves.

    An id or day that is not understood counts as not given.
    """
    begins = today(request)
    given = request.query_params
    first = _day(given.get("from"), begins, begins + HORIZON)
    names = [(each.id, each.name) for each in workers]
    codes = sorted({code for worker in workers for code in worker.practices})
    practices = [(code, practice_name(localities(request), code)) for code in codes]
    modes = [
        (mode.value, labels.MODES[mode]) for mode in MeetingMode if any(each.offers(mode) for each in workers)
    ]
    found = Chooser(
        path=path,
        more=given.get("more") == "yes",
        link_worker=_one_of(given.get("with"), names),
        practice=_one_of(given.get("at"), practices),
        mode=_one_of(given.get("how"), modes),
        first=first,
        last=first + _SHOWN,
        link_workers=names,
        practices=practices,
        modes=modes,
    )
    if not found.more:
        times, nothing = await _times(booking, ask(FEW, EARLIEST))
        return replace(found, times=times, nothing=nothing)
    wanted = TimesWanted(
        first,
        found.last,
        found.link_worker or None,
        found.practice or None,
        MeetingMode(found.mode) if found.mode else None,
    )
    times, nothing = await _times(booking, ask(_MANY, wanted))
    return _by_day(replace(found, nothing=nothing), times, given.get("day", ""), begins)


def _by_day(found: Chooser, times: Sequence[TimeOffered], day: str, begins: date) -> Chooser:
    by_day: dict[date, list[TimeOffered]] = {}
    for each in times:
        by_day.setdefault(london_day(each.starts_at), []).append(each)
    chosen = next((each for each in by_day if each.isoformat() == day), next(iter(by_day), None))
    before, after = found.first - _SHOWN - timedelta(days=1), found.last + timedelta(days=1)
    return replace(
        found,
        times=by_day.get(chosen, ()) if chosen else (),
        chosen=chosen,
        days=[
            DayOfTimes(each, len(of_day), found.at(found.first, each), each == chosen)
            for each, of_day in by_day.items()
        ],
        earlier=found.at(max(before, begins)) if found.first > begins else None,
        later=found.at(after) if after <= begins + HORIZON else None,
    )


def _day(value: str | None, first: date, last: date) -> date:
    try:
        return min(max(date.fromisoformat(value or ""), first), last)
    except ValueError:
        return first


def _one_of(value: str | None, choices: Choices) -> str:
    return value if value is not None and any(value == code for code, _ in choices) else ""


async def _times(
    booking: BookingOffer, asked: Awaitable[Sequence[TimeOffered]]
) -> tuple[Sequence[TimeOffered], str]:
    """The times, or the sentence why another owner gives none just now. The page is shown all the same."""
    try:
        return await asked, ""
    except Problem as problem:
        if booking.owner is None or problem.status_code not in (409, 503):
            raise
        return (), problem.explanation or problem.title
