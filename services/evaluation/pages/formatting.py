"""Formats numbers for people."""

from collections.abc import Sequence
from typing import Protocol

from services.evaluation.disclosure.view import SUPPRESSED, DisclosedCount


class Percentage(Protocol):
    """A per cent, or the two per cents between which it lies."""

    @property
    def percent(self) -> DisclosedCount | None:
        """The per cent; "*" where it is suppressed, None where there is none or only a range."""

    @property
    def percent_low(self) -> int | None:
        """The lower end of the range, None where there is no range."""

    @property
    def percent_high(self) -> int | None:
        """The upper end of the range, None where there is no range."""


def number(value: DisclosedCount | None) -> str:
    """1,485; * where suppressed; – where there is none."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,}"


def mean(value: float | str | None, nearest: float | None) -> str:
    """5.72, or 5.5 where it is rounded to a tenth or a half; * or –."""
    if value is None or isinstance(value, str):
        return number(None) if value is None else SUPPRESSED
    return f"{value:.{_decimals(nearest)}f}"


def signed(value: float | str | None, nearest: float | None) -> str:
    """+0.41, −0.20, 0.00; with as many decimals as the means."""
    if value is None or isinstance(value, str):
        return mean(value, nearest)
    places = _decimals(nearest)
    return f"{value:+.{places}f}".replace("-", "−") if round(value, places) else mean(0.0, nearest)


def _decimals(nearest: float | None) -> int:
    return 2 if nearest is not None and nearest < 0.1 else 1


def per_cent(rate: Percentage) -> str:
    """38%; 36 to 41% where the exact per cent is suppressed; * or –."""
    if isinstance(rate.percent, int):
        return f"{rate.percent}%"
    if rate.percent_low is not None and rate.percent_high is not None:
        return f"{rate.percent_low} to {rate.percent_high}%"
    return number(rate.percent)


def of(part: DisclosedCount, whole: DisclosedCount) -> str:
    """The part and the whole in words: 33 of 38."""
    return f"{number(part)} of {number(whole)}"


def days(value: DisclosedCount | None) -> str:
    """11 days, 1 day, or * or –."""
    if not isinstance(value, int):
        return number(value)
    return f"{value} day" if value == 1 else f"{value} days"


def with_per_cent(value: DisclosedCount, rate: Percentage) -> str:
    """94 (28%), 10 (17 to 26%); without the per cent where there is none to show."""
    if not value or (rate.percent_low is None and not isinstance(rate.percent, int)):
        return number(value)
    return f"{number(value)} ({per_cent(rate)})"


def length(value: DisclosedCount | None) -> float | None:
    """The length of a bar; None for a suppressed number."""
    return None if isinstance(value, str) else float(value or 0)


def listed(names: Sequence[str]) -> str:
    """A list in words: a; a and b; a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
