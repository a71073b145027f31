"""Periods of whole months for which figures are given."""

from dataclasses import dataclass
from datetime import date, timedelta

from services.evaluation.contributions.measures import month

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """A period from its first to its last month ("2026-01"), both included."""

    first: str
    last: str
    since_start: bool = False

    def __contains__(self, a_month: str) -> bool:
        return self.first <= a_month <= self.last

    @property
    def code(self) -> str:
        """The name of a period in an address: empty for everything, else its first and last month."""
        return "" if self.since_start else f"{self.first}.{self.last}"

    @property
    def last_day(self) -> date:
        """The last day of the last month, in London as all days are."""
        after = next_month(self.last)
        return date(int(after[:4]), int(after[5:]), 1) - timedelta(days=1)

    @property
    def name(self) -> str:
        """Since January 2025; March 2026; January to March 2026; October 2025 to March 2026."""
        first, last = _words(self.first), _words(self.last)
        if self.since_start:
            return f"Since {first}"
        if self.first == self.last:
            return first
        if self.first[:4] == self.last[:4]:
            return f"{first.split()[0]} to {last}"
        return f"{first} to {last}"


def _words(a_month: str) -> str:
    return f"{_MONTHS[int(a_month[5:]) - 1]} {int(a_month[:4])}"


def next_month(a_month: str, steps: int = 1) -> str:
    """The month `steps` months later, or earlier."""
    total = int(a_month[:4]) * 12 + int(a_month[5:]) - 1 + steps
    return f"{total // 12:04d}-{total % 12 + 1:02d}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The months of possible figures: from the programme's first day until today."""

    start: date
    today: date

    @property
    def since_start(self) -> Period:
        """The period of everything: from the programme's first month until today's."""
        return Period(month(self.start), max(month(self.today), month(self.start)), since_start=True)

    @property
    def months(self) -> tuple[Period, ...]:
        """Each month, the latest first."""
        whole, found = self.since_start, []
        at = whole.last
        while at >= whole.first:
            found.append(Period(at, at))
            at = next_month(at, -1)
        return tuple(found)

    @property
    def quarters(self) -> tuple[Period, ...]:
        """Each quarter of a year, clipped to the calendar. Together they hold every month."""
        whole, found = self.since_start, []
        at = next_month(whole.last, -((int(whole.last[5:]) - 1) % 3))
        while next_month(at, 2) >= whole.first:
            found.append(self._clipped(at, next_month(at, 2)))
            at = next_month(at, -3)
        return tuple(found)

    def between(self, first: str | None, last: str | None) -> Period | None:
        """The period between two months, clipped to the calendar. Without either month: since the start.

        None where nothing of the period is left, or it ends before it begins.
        """
        whole = self.since_start
        if first is None and last is None:
            return whole
        clipped = self._clipped(first or whole.first, last or whole.last)
        if (clipped.first, clipped.last) == (whole.first, whole.last):
            return whole
        return clipped if clipped.first <= clipped.last else None

    def _clipped(self, first: str, last: str) -> Period:
        whole = self.since_start
        return Period(max(first, whole.first), min(last, whole.last))
