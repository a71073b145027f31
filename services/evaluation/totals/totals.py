"""Sums added up for a place and a period: counts of people and things, days waited, scores."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from services.evaluation.contributions.measures import Contribution
from services.evaluation.contributions.vocabulary import STEPS, Step
from services.evaluation.totals.periods import Period

PROGRAMME = "programme"
"""The place that all localities make up."""
ALL = "all"

Name = tuple[str, ...]
"""What is counted: ("unmet", "debt", "full"), and ("unmet", "debt", ALL) for whatever the reason."""
Days = Mapping[int, int]
"""A histogram: after how many days, how many people."""


@dataclass(slots=True)
class Scores:
    """Of one questionnaire item, over those who answered it twice; all whole numbers."""

    n: int = 0
    before: int = 0
    after: int = 0
    squares: int = 0
    """The sum of the squared changes."""

    def add(self, what: str, number: int) -> None:
        match what:
            case "n":
                self.n += number
            case "before":
                self.before += number
            case "after":
                self.after += number
            case "squares":
                self.squares += number


@dataclass(slots=True)
class Tally:
    """Everything counted for one place and period."""

    counts: Counter[Name] = field(default_factory=Counter)
    days: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    scores: dict[str, Scores] = field(default_factory=lambda: defaultdict(Scores))

    def add(self, measure: str, key: str, number: int, today: date) -> None:
        """Adds one number of the sums."""
        for name in _names(measure, key, today):
            self.counts[name] += number
        if measure in ("wait_met", "wait_visited"):
            self.days[measure.removeprefix("wait_")][int(key)] += number
        elif measure == "ons4":
            item, what = key.split(":")
            self.scores[item].add(what, number)


_Numbers = dict[tuple[str, str], int]
"""By measure and key."""
_NOTHING: Final[Contribution] = {}
_BY_DAY: Final = frozenset({"settled", "settled_contact"})
"""Measures whose keys begin with the day from which they count."""


class Counting:
    """Counts sums into a tally for each period and each place: the localities, and what they make up.

    Again and again: a locality whose sums are the very same as the last time is not counted anew.
    """

    def __init__(self, periods: Sequence[Period], localities: Iterable[str], today: date) -> None:
        self._periods, self._localities, self._today = tuple(periods), tuple(localities), today
        self._seen: dict[str, Contribution] = {}
        self._numbers: dict[str, Mapping[Period, _Numbers]] = {}
        self._tallies: dict[tuple[str, Period], Tally] = {}

    def tallies(self, sums: Mapping[str, Contribution]) -> Mapping[tuple[str, Period], Tally]:
        """The tallies of these sums, which are not to be changed any more."""
        known = {place: sums.get(place, _NOTHING) for place in self._localities}
        changed = [place for place, counted in known.items() if self._seen.get(place) is not counted]
        for place in changed:
            self._numbers[place] = self._added(known[place])
        if changed or not self._tallies:
            self._numbers[PROGRAMME] = self._together()
            for place in (PROGRAMME, *changed):
                for period, numbers in self._numbers[place].items():
                    self._tallies[place, period] = _tally(numbers, self._today)
        self._seen = known
        return dict(self._tallies)

    def _added(self, counted: Contribution) -> Mapping[Period, _Numbers]:
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

    def _together(self) -> Mapping[Period, _Numbers]:
        added: dict[Period, _Numbers] = {period: defaultdict(int) for period in self._periods}
        for place in self._localities:
            for period, numbers in self._numbers[place].items():
                programme = added[period]
                for at, number in numbers.items():
                    programme[at] += number
        return added


def _tally(numbers: _Numbers, today: date) -> Tally:
    tally = Tally()
    for (measure, key), number in numbers.items():
        tally.add(measure, key, number, today)
    return tally


def _settled(measure: str, what: str, reached: str = "") -> Iterator[Name]:
    """The steps up to the furthest; or a route, and whether the person was reached."""
    if measure == "settled":
        yield from ((measure, step) for step in STEPS[: STEPS.index(Step(what)) + 1])
        return
    yield (measure, what, "referred")
    if reached == "reached":
        yield from ((measure, at, reached) for at in (what, ALL))


@lru_cache(maxsize=8192)
def _names(measure: str, key: str, today: date) -> tuple[Name, ...]:
    return tuple(_named(measure, key, today))


def _named(measure: str, key: str, today: date) -> Iterator[Name]:
    """The counts that a number goes into."""
    match measure, *key.split(":"):
        case "journey" | "needs" as measure, what:
            yield (measure, what)
        case "settled" | "settled_contact" as measure, *rest:
            yield from _settled(measure, *rest)
        case "wait_met" | "wait_visited" as measure, _:
            yield (measure,)
        case "meetings", lead, came:
            yield from (("meetings", at, kind) for at in (lead, ALL) for kind in {ALL, came} - {"came"})
        case "contact", route, what:
            yield ("contact", route, what)
            if what == "reached":  # All who were referred are the first step of the journey.
                yield ("contact", ALL, what)
        case "unmet", need, reason:
            yield from (("unmet", n, r) for n in (need, ALL) for r in (reason, ALL))
        case "barriers" | "replies" as measure, what:
            yield (measure, what)
            yield (measure, ALL)
        case "follow_up", "open", day:
            yield ("follow_up", "due" if day <= today.isoformat() else "later")
        case "follow_up", what:
            yield ("follow_up", what)
            if what == "paired":
                yield ("follow_up", "due")
        case "ons4", item, "n" | "better" | "same" | "worse" as what:
            yield ("ons4", item, what)
