"""What a rebuild did, how the two generations compare, and what became of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.delivery.rebuild.comparing import Compared, Figures
from shared.delivery.rebuild.folding import Folded

Say = Callable[[str], None]


@dataclass
class Report:
    """Filled while it goes on. `pause`: for how many seconds nobody could write; None where nobody had to."""

    live: int
    number: int
    folded: Folded = field(default_factory=Folded)
    compared: Compared = field(default_factory=Compared)
    figures: Figures = field(default_factory=lambda: Figures(0, ()))
    seconds: dict[str, float] = field(default_factory=dict)
    pause: float | None = None
    switched: bool = False
    refused: str = ""

    @contextmanager
    def step(self, name: str, say: Say) -> Iterator[None]:
        """Measures a step and says when it is done."""
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
        say(f"{name}: {self.seconds[name]} s")

    def document(self) -> dict[str, Any]:
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
    """Why nothing was switched, in one sentence. What was live is live, unchanged.

    Attributes:
        report: how far it came; None where it had not begun.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.report: Report | None = None
