"""Answers before and after, from 0 to 10: a ring before, a disc after, an arrow's line between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.evaluation.charts.scale import Scale
from services.evaluation.charts.svg import BLUE, GREY, INK, SMALL, WHITE, chart, element, label

_ROW: Final = 82


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with both means, or None for both and the reason in words."""

    label: str
    before: float | None
    after: float | None
    words: str


def score_chart(identity: str, title: str, description: str, pairs: Sequence[Pair]) -> Markup:
    """A line for each question on one scale."""
    scale = Scale(10)
    height = len(pairs) * _ROW
    rows = [_row(pair, at * _ROW, scale) for at, pair in enumerate(pairs)]
    key = Markup("").join(
        (
            element("circle", cx=10, cy=height + 36, r=7, fill=WHITE, stroke=BLUE, stroke_width=3),
            label("before", 24, height + 41, size=SMALL),
            element("circle", cx=100, cy=height + 36, r=8, fill=BLUE, stroke=INK, stroke_width=1),
            label("after", 114, height + 41, size=SMALL),
        )
    )
    return chart(identity, title, description, height + 50, [*rows, scale.numbers(height + 16), key])


def _row(pair: Pair, top: float, scale: Scale) -> Markup:
    parts = [label(pair.label, 0, top + 20, bold=True), label(pair.words, 0, top + 68, size=SMALL)]
    if pair.before is not None and pair.after is not None:
        y = top + 42
        before, after = scale.x(pair.before), scale.x(pair.after)
        parts += [
            scale.lines(y - 14, y + 14),
            element("line", x1=before, x2=after, y1=y, y2=y, stroke=GREY, stroke_width=4),
            element("circle", cx=before, cy=y, r=7, fill=WHITE, stroke=BLUE, stroke_width=3),
            element("circle", cx=after, cy=y, r=8, fill=BLUE, stroke=INK, stroke_width=1),
        ]
    return Markup("").join(parts)
