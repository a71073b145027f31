"""Adds up sums for a place and a period: counts of people and things, days waited, scores."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from services.evaluation.contributions.measures import Contribution
from services.evaluation.contributions.vocabulary import STEPS, Step
from services.evaluation.totals.periods import Period

# The place that all localities make up.
PROGRAMME: Final = "programme"
ALL: Final = "all"

# The name of a count: ("unmet", "debt", "full"), or ("unmet", "debt", ALL) over all reasons.
CountName = tuple[str, ...]
# The number of people by days.
DayHistogram = Mapping[int, int]


@dataclass(slots=True)
class Scores:
    """Whole-number sums of one questionnaire item, over the people who answered it twice.

    `squares` is the sum of the squared changes.
    """

    n: int = 0
    before: int = 0
    after: int = 0
    squares: int = 0

    def add(self, name: str, number: int) -> None:
        """Adds to the sum of this name; ignores other names."""
        match name:
            case "n":
                self.n += number
            case "before":
                self.before += number
            case "after":
                self.after += number
            case "squares":
                self.squares += number


@dataclass(slots=True)
class Totals:
    """Everything counted for one place and period."""

    counts: Counter[CountName] = field(default_factory=Counter)
    days: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    scores: dict[str, Scores] = field(default_factory=lambda: defaultdict(Scores))

    def add(self, measure: str, key: str, number: int, today: date) -> None:
        """Adds one number of the sums."""
        for name in _count_names(measure, key, today):
            self.counts[name] += number
        if measure in ("wait_met", "wait_visited"):
            self.days[measure.removeprefix("wait_")][int(key)] += number
        elif measure == "ons4":
            item, score = key.split(":")
            self.scores[item].add(score, number)


# By measure and key.
_Numbers = dict[tuple[str, str], int]
_NOTHING: Final[Contribution] = {}
# Measures whose keys begin with the day from which they count.
_BY_DAY: Final = frozenset({"settled", "settled_contact"})


class TotalsCalculator:
    """Calculates the totals of each period and place: the localities, and the programme of all of them.

    A calculator is used again and again. A locality whose sums are the same object as the last time is not
    added up again.
    """

    def __init__(self, periods: Sequence[Period], localities: Iterable[str], today: date) -> None:
        self._periods, self._localities, self._today = tuple(periods), tuple(localities), today
        self._last_sums: dict[str, Contribution] = {}
        self._numbers: dict[str, Mapping[Period, _Numbers]] = {}
        self._totals: dict[tuple[str, Period], Totals] = {}

    def totals(self, sums: Mapping[str, Contribution]) -> Mapping[tuple[str, Period], Totals]:
        """Calculates the totals of these sums, which must not be changed afterwards."""
        known = {place: sums.get(place, _NOTHING) for place in self._localities}
        changed = [place for place, counted in known.items() if self._last_sums.get(place) is not counted]
        for place in changed:
            self._numbers[place] = self._of_locality(known[place])
        if changed or not self._totals:
            self._numbers[PROGRAMME] = self._of_programme()
            for place in (PROGRAMME, *changed):
                for period, numbers in self._numbers[place].items():
                    self._totals[place, period] = _totals(numbers, self._today)
        self._last_sums = known
        return dict(self._totals)

    def _of_locality(self, counted: Contribution) -> Mapping[Period, _Numbers]:
        added: dict[Period, _Numbers] = {period: defaultdict(int) for period in self._periods}
        within: dict[str, list[_Numbers]] = {}
        today = self._today.isoformat()
        for (measure, month, stored), number in counted.items():
            day, key = stored.split(":", 1) if measure in _BY_DAY else ("", stored)
            if day > today:
                continue
            if month not in within:
                within[month] = [added[period] for period in self._periods if month in period]
            for numbers in within[month]:
                numbers[measure, key] += number
        return added

    def _of_programme(self) -> Mapping[Period, _Numbers]:
        added: dict[Period, _Numbers] = {period: defaultdict(int) for period in self._periods}
        for place in self._localities:
            for period, numbers in self._numbers[place].items():
                programme = added[period]
                for at, number in numbers.items():
                    programme[at] += number
        return added


def _totals(numbers: _Numbers, today: date) -> Totals:
    totals = Totals()
    for (measure, key), number in numbers.items():
        totals.add(measure, key, number, today)
    return totals


def _settled(measure: str, name: str, reached: str = "") -> Iterator[CountName]:
    """The steps up to the furthest one, or a route and whether the person was reached."""
    if measure == "settled":
        yield from ((measure, step) for step in STEPS[: STEPS.index(Step(name)) + 1])
        return
    yield (measure, name, "referred")
    if reached == "reached":
        yield from ((measure, at, reached) for at in (name, ALL))


@lru_cache(maxsize=8192)
def _count_names(measure: str, key: str, today: date) -> tuple[CountName, ...]:
    return tuple(_names(measure, key, today))


def _names(measure: str, key: str, today: date) -> Iterator[CountName]:
    """The counts to which a number is added."""
    match measure, *key.split(":"):
        case "journey" | "needs" as measure, name:
            yield (measure, name)
        case "settled" | "settled_contact" as measure, *rest:
            yield from _settled(measure, *rest)
        case "wait_met" | "wait_visited" as measure, _:
            yield (measure,)
        case "meetings", lead, came:
            yield from (("meetings", at, kind) for at in (lead, ALL) for kind in {ALL, came} - {"came"})
        case "contact", route, name:
            yield ("contact", route, name)
            if name == "reached":  # All who were referred are the first step of the journey.
                yield ("contact", ALL, name)
        case "unmet", need, reason:
            yield from (("unmet", n, r) for n in (need, ALL) for r in (reason, ALL))
        case "barriers" | "replies" as measure, name:
            yield (measure, name)
            yield (measure, ALL)
        case "follow_up", "open", day:
            yield ("follow_up", "due" if day <= today.isoformat() else "later")
        case "follow_up", name:
            yield ("follow_up", name)
            if name == "paired":
                yield ("follow_up", "due")
        case "ons4", item, "n" | "better" | "same" | "worse" as name:
            yield ("ons4", item, name)
