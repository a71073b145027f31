"""Answers a question for figures from the sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.evaluation import words
from services.evaluation.cells import Contribution
from services.evaluation.figures.face import Exact, Face, Published
from services.evaluation.figures.model import Figures, Span
from services.evaluation.figures.periods import Calendar, Period
from services.evaluation.figures.report import Report
from services.evaluation.figures.tally import PROGRAMME, tallies

_ALWAYS: Final = (
    "Nobody was compared with people who were not referred, so a change cannot be put down to the programme.",
    "Changes are those of people who answered twice. Those who did not may have fared differently: see how "
    "many of the follow-ups that were due were answered.",
    "The journey, waits, needs and routes are those of people referred in the period. Meetings, unmet needs "
    "and what stopped a first visit are counted when they happened, answers of services when they were "
    "asked, and questionnaires when they were first answered.",
    "Waits are those of people who have arrived: those still waiting are not in them.",
    "People who got further are counted at every step before. Referrals made in error or twice are left out.",
)
_SUPPRESSED: Final = (
    "Counts from 1 to 7 are shown as *, other counts to the nearest 5, and percentages are of the counts as "
    "shown. More is shown as * where a count could be worked out otherwise.",
)


@dataclass(frozen=True, slots=True)
class Question:
    """Which places and months, and whether counts may be shown as they are."""

    localities: Sequence[str]
    """Shown after the programme, in this order."""
    period: Period
    exact: bool


def figures(
    sums: Mapping[str, Contribution], names: Mapping[str, str], calendar: Calendar, question: Question
) -> Figures:
    """The figures asked for. `names` are those of all localities, which together make up the programme."""
    period = question.period
    if question.exact:
        counted = tallies(sums, [period], names, calendar.today)
        face: Face = Exact(counted, period)
    else:
        whole, quarters = calendar.since_start, calendar.quarters
        counted = tallies(sums, [whole, *quarters], names, calendar.today)
        face = Published(counted, period, whole=whole, parts=quarters, localities=tuple(names))
    return Figures(
        as_of=calendar.today,
        period=Span(first_month=period.first, last_month=period.last, name=period.name),
        counts="exact" if question.exact else "suppressed",
        notes=[*_ALWAYS, *(() if question.exact else _SUPPRESSED)],
        places=[
            Report(place, counted[place, period], face).figures(name)
            for place, name in [(PROGRAMME, words.PROGRAMME), *((s, names[s]) for s in question.localities)]
        ],
    )


def publishable(calendar: Calendar) -> Sequence[Period]:
    """The periods that suppressed figures are given for: everything, and quarters that do not overlap."""
    return (calendar.since_start, *calendar.quarters)
