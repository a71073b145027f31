"""Numbers as people read them."""

from collections.abc import Sequence
from typing import Protocol

from services.evaluation.disclosure.view import HELD_BACK, Shown


class Percentage(Protocol):
    """A per cent, or the two between which it lies."""

    @property
    def percent(self) -> Shown | None: ...
    @property
    def percent_low(self) -> int | None: ...
    @property
    def percent_high(self) -> int | None: ...


def number(value: Shown | None) -> str:
    """1,485; * where it is held back; – where there is none."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,}"


def mean(value: float | str | None, nearest: float | None) -> str:
    """5.72, or 5.5 where it is rounded to a tenth or a half; * or –."""
    if value is None or isinstance(value, str):
        return number(None) if value is None else HELD_BACK
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
    """38%; 36 to 41% where no more can be told; * or –."""
    if isinstance(rate.percent, int):
        return f"{rate.percent}%"
    if rate.percent_low is not None and rate.percent_high is not None:
        return f"{rate.percent_low} to {rate.percent_high}%"
    return number(rate.percent)


def of(part: Shown, whole: Shown) -> str:
    """33 of 38."""
    return f"{number(part)} of {number(whole)}"


def days(value: Shown | None) -> str:
    """11 days, 1 day, or * or –."""
    if not isinstance(value, int):
        return number(value)
    return f"{value} day" if value == 1 else f"{value} days"


def with_per_cent(value: Shown, rate: Percentage) -> str:
    """94 (28%), 10 (17 to 26%); without the per cent where there is none to show."""
    if not value or (rate.percent_low is None and not isinstance(rate.percent, int)):
        return number(value)
    return f"{number(value)} ({per_cent(rate)})"


def length(value: Shown | None) -> float | None:
    """How long a bar is; None for a number that is held back."""
    return None if isinstance(value, str) else float(value or 0)


def listed(names: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
