"""Answers a question for figures from the sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from services.evaluation.contributions.measures import Contribution
from services.evaluation.disclosure.view import Exact, Face, Publication, Published
from services.evaluation.reports.model import Figures, Span
from services.evaluation.reports.report import Report
from services.evaluation.totals.periods import Calendar, Period
from services.evaluation.totals.totals import PROGRAMME, Counting, Tally
from services.evaluation.web import words

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

MOST_ANSWERS: Final = 100
"""So many are remembered; all places and all periods that one role may ask for are about as many."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which places and months, and whether counts may be shown as they are."""

    localities: tuple[str, ...]
    """Shown after the programme, in this order."""
    period: Period
    exact: bool


class Programme:
    """The sums of one moment, and the questions that they answer.

    Answers are remembered by the whole question, of which `exact` is a part: one for a manager is never given
    to anybody else. What is to be hidden is worked out once, for all suppressed answers.
    """

    def __init__(
        self,
        sums: Mapping[str, Contribution],
        names: Mapping[str, str],
        calendar: Calendar,
        counting: Counting | None = None,
    ) -> None:
        """`names` are those of all localities, which together make up the programme."""
        self._sums, self._names, self._calendar = sums, names, calendar
        quarters = calendar.quarters
        self._counting = counting or Counting([calendar.since_start, *quarters], names, calendar.today)
        self._answered: dict[Question, Figures] = {}

    def after(self, sums: Mapping[str, Contribution]) -> "Programme":
        """The same places and months with other sums. What is the very same object is not counted again."""
        return Programme(sums, self._names, self._calendar, self._counting)

    def figures(self, question: Question) -> Figures:
        """The figures asked for; the same object for the same question."""
        if question not in self._answered:
            if len(self._answered) >= MOST_ANSWERS:
                self._answered.clear()
            self._answered[question] = self._figures(question)
        return self._answered[question]

    @cached_property
    def _publishable(self) -> tuple[Mapping[tuple[str, Period], Tally], Publication]:
        whole, quarters = self._calendar.since_start, self._calendar.quarters
        counted = self._counting.tallies(self._sums)
        return counted, Publication(
            counted,
            whole=whole,
            parts=quarters,
            localities=tuple(self._names),
            today=self._calendar.today,
        )

    def _figures(self, question: Question) -> Figures:
        period = question.period
        if question.exact:
            counting = Counting([period], self._names, self._calendar.today)
            counted: Mapping[tuple[str, Period], Tally] = counting.tallies(self._sums)
            face: Face = Exact(counted, period)
        else:
            counted, publication = self._publishable
            face = Published(publication, period)
        shown = [(PROGRAMME, words.PROGRAMME), *((slug, self._names[slug]) for slug in question.localities)]
        return Figures(
            as_of=self._calendar.today,
            period=Span(first_month=period.first, last_month=period.last, name=period.name),
            counts="exact" if question.exact else "suppressed",
            notes=[*_ALWAYS, *(() if question.exact else _SUPPRESSED)],
            places=[Report(place, counted[place, period], face).figures(name) for place, name in shown],
        )


def figures(
    sums: Mapping[str, Contribution], names: Mapping[str, str], calendar: Calendar, question: Question
) -> Figures:
    """The answer to one question."""
    return Programme(sums, names, calendar).figures(question)


def publishable(calendar: Calendar) -> Sequence[Period]:
    """The periods that suppressed figures are given for: everything, and quarters that do not overlap."""
    return (calendar.since_start, *calendar.quarters)
