"""The report of a rebuild: its steps, the comparison of the generations, and its end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.delivery.rebuild.comparing import Comparison, DerivedComparison
from shared.delivery.rebuild.folding import FoldCounts

Progress = Callable[[str], None]


@dataclass
class Report:
    """The report, filled while the rebuild runs. `pause` is the time in seconds without writes, if any."""

    live: int
    number: int
    folded: FoldCounts = field(default_factory=FoldCounts)
    compared: Comparison = field(default_factory=Comparison)
    figures: DerivedComparison = field(default_factory=lambda: DerivedComparison(0, ()))
    seconds: dict[str, float] = field(default_factory=dict)
    pause: float | None = None
    switched: bool = False
    refused: str = ""

    @contextmanager
    def step(self, name: str, say: Progress) -> Iterator[None]:
        """Measures a step and prints its duration."""
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
        say(f"{name}: {self.seconds[name]} s")

    def document(self) -> dict[str, Any]:
        """The report as JSON types."""
        compared = self.compared
        return {
            "live": self.number if self.switched else self.live,
            "before": self.live,
            "made": self.number,
            "switched": self.switched,
            "refused": self.refused,
            "log": vars(self.folded),
            "compared": {
                "referrals": compared.referrals,
                "facts": compared.facts,
                "missing": compared.missing,
                "extra": compared.extra,
                "views": compared.views,
            },
            "figures": {"rows": self.figures.rows, "unlike": list(self.figures.unlike)},
            "seconds": self.seconds,
            "pause": self.pause,
        }


class Refused(Exception):
    """The reason, in one sentence, for not switching. The live generation is unchanged.

    Attributes:
        report: the report up to the refusal; None if the rebuild had not begun.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.report: Report | None = None
