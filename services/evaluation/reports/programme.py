"""The programme at one moment: its sums, and the figures that they answer requests with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from services.evaluation.contributions.measures import Contribution
from services.evaluation.disclosure.view import DisclosureView, ExactView, Publication, PublishedView
from services.evaluation.reports.model import Figures, Span
from services.evaluation.reports.report import Report
from services.evaluation.totals.periods import Calendar, Period
from services.evaluation.totals.totals import PROGRAMME, Totals, TotalsCalculator

PROGRAMME_NAME: Final = "The whole programme"

_ALWAYS: Final = (
    "Nobody was compared with people who were not referred, so a change cannot be put down to the programme.",
    "Changes are those of people who answered twice. Those who did not may have fared differently: see how "
    "many of the follow-ups that were due were answered.",
    "Per cents of people who were reached, met or made a first visit are of those referred at least 12 weeks "
    "ago: most of those who will get there have.",
    "The journey, waits, needs and routes are those of people referred in the period. Appointments, unmet "
    "needs and what stopped a first visit are counted when they happened, answers of services when they were "
    "asked, and questionnaires when they were first answered.",
    "Waits are those of people who have got there: those still waiting are not in them, so waits of people "
    "referred in the last weeks look shorter than they will be.",
    "A need for which nothing was found does not count as unmet if a service was added for it on the same "
    "day.",
    "People who got further are counted at every step before. Referrals made in error or twice are left out.",
)
_SUPPRESSED: Final = (
    "Counts from 1 to 7 are shown as *, other counts to the nearest 5. More is shown as * where a count "
    "could be worked out otherwise.",
    "Per cents are of exact counts, as whole numbers. Where the counts as shown allow several, the least and "
    "the most are given: places whose ranges overlap cannot be told apart.",
    "Mean answers are to the nearest tenth of a point from 40 people, and to the nearest half of fewer. "
    "Intervals are given from 40 people, and the longest wait of nine in ten from 20.",
)

# All places and all periods that one role may request are about as many.
MAX_CACHED_REPORTS: Final = 100


@dataclass(frozen=True, slots=True)
class FiguresRequest:
    """A request for figures: places, months, and whether counts may be shown exactly.

    The localities follow the programme in this order.
    """

    localities: tuple[str, ...]
    period: Period
    exact: bool


class Programme:
    """The sums of one moment, and the figures made from them.

    Figures are cached by the whole request, of which `exact` is a part: a manager's never reach others.
    Suppression is worked out once, for all suppressed figures.
    """

    def __init__(
        self,
        sums: Mapping[str, Contribution],
        names: Mapping[str, str],
        calendar: Calendar,
        calculator: TotalsCalculator | None = None,
    ) -> None:
        """`names` holds the names of all localities, which together make up the programme."""
        self._sums, self._names, self._calendar = sums, names, calendar
        periods = publishable(calendar)
        self._calculator = calculator or TotalsCalculator(periods, names, calendar.today)
        self._cached: dict[FiguresRequest, Figures] = {}

    def with_sums(self, sums: Mapping[str, Contribution]) -> "Programme":
        """The same places and months with other sums. Sums that are the same object are added up once."""
        return Programme(sums, self._names, self._calendar, self._calculator)

    def figures(self, request: FiguresRequest) -> Figures:
        """The figures requested; the same object for the same request."""
        if request not in self._cached:
            if len(self._cached) >= MAX_CACHED_REPORTS:
                self._cached.clear()
            self._cached[request] = self._figures(request)
        return self._cached[request]

    @cached_property
    def _publishable(self) -> tuple[Mapping[tuple[str, Period], Totals], Publication]:
        totals = self._calculator.totals(self._sums)
        return totals, Publication(
            totals,
            whole=self._calendar.since_start,
            parts=self._calendar.quarters,
            localities=tuple(self._names),
            today=self._calendar.today,
        )

    def _figures(self, request: FiguresRequest) -> Figures:
        period = request.period
        if request.exact:
            calculator = TotalsCalculator([period], self._names, self._calendar.today)
            totals: Mapping[tuple[str, Period], Totals] = calculator.totals(self._sums)
            view: DisclosureView = ExactView(totals, period)
        else:
            totals, publication = self._publishable
            view = PublishedView(publication, period)
        places = [(PROGRAMME, PROGRAMME_NAME), *((slug, self._names[slug]) for slug in request.localities)]
        return Figures(
            as_of=self._calendar.today,
            period=Span(first_month=period.first, last_month=period.last, name=period.name),
            counts="exact" if request.exact else "suppressed",
            notes=[*_ALWAYS, *(() if request.exact else _SUPPRESSED)],
            places=[Report(place, totals[place, period], view).figures(name) for place, name in places],
        )


def figures(
    sums: Mapping[str, Contribution], names: Mapping[str, str], calendar: Calendar, request: FiguresRequest
) -> Figures:
    """Answers one request."""
    return Programme(sums, names, calendar).figures(request)


def publishable(calendar: Calendar) -> Sequence[Period]:
    """The periods of suppressed figures: everything, and quarters that do not overlap."""
    return (calendar.since_start, *calendar.quarters)
