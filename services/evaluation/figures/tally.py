"""Sums added up for a place and a period: counts of people and things, days waited, scores."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.evaluation.cells import Cell, Contribution
from services.evaluation.figures.periods import Period

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

    def add(self, cell: Cell, number: int, today: date) -> None:
        """Adds one cell of the sums."""
        for name in _names(cell, today):
            self.counts[name] += number
        if cell.measure in ("wait_met", "wait_visited"):
            self.days[cell.measure.removeprefix("wait_")][int(cell.key)] += number
        elif cell.measure == "ons4":
            item, what = cell.key.split(":")
            self.scores[item].add(what, number)


def tallies(
    sums: Mapping[str, Contribution], periods: Sequence[Period], localities: Iterable[str], today: date
) -> dict[tuple[str, Period], Tally]:
    """A tally for each period and each place: the localities, and the programme that they make up."""
    known = tuple(localities)
    found = {(place, period): Tally() for place in (PROGRAMME, *known) for period in periods}
    for place in known:
        for cell, number in sums.get(place, {}).items():
            for period in periods:
                if cell.period in period:
                    found[place, period].add(cell, number, today)
                    found[PROGRAMME, period].add(cell, number, today)
    return found


def _names(cell: Cell, today: date) -> Iterator[Name]:
    """The counts that a cell goes into."""
    match cell.measure, *cell.key.split(":"):
        case "journey" | "needs" as measure, what:
            yield (measure, what)
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
