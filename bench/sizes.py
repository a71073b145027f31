"""How much is measured: a look whether it works, what a coffee lasts, or the whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Size:
    """Records, rounds and seconds of every part of the measurement."""

    name: str
    many: int
    """Records for the quick programs of the comparison."""
    some: int
    few: int
    """Records for the slow ones."""
    rounds: int
    processes: tuple[int, ...]
    """How many processes of the kernel are measured."""
    peers: bool
    """Whether programs that need more than our own environment are compared with."""
    rates: tuple[int, ...]
    """Events, or requests, a second."""
    seconds: float
    """How long at each rate."""
    backlog: int
    grown: int
    """Records that the kernel has behind it at the end of the growth."""
    referrals: int
    """Referrals in the figures that a page is made of."""


SMOKE = Size("smoke", 600, 400, 50, 1, (1, 2), False, (50,), 2.0, 2_000, 2_000, 2_000)
USUAL = Size(
    "usual", 100_000, 50_000, 1_000, 3, (1, 2, 4), True, (20, 50, 100, 200), 20.0, 360_000, 200_000, 1_000_000
)
LONG = Size(
    "long",
    400_000,
    50_000,
    1_000,
    3,
    (1, 2, 4),
    True,
    (20, 50, 100, 200),
    60.0,
    360_000,
    1_000_000,
    1_000_000,
)
SIZES: Final[Mapping[str, Size]] = {size.name: size for size in (SMOKE, USUAL, LONG)}
