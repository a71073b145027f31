"""Waits: half of the people within the disc, nine in ten within the diamond."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.evaluation.charts.scale import Scale
from services.evaluation.charts.svg import BLUE, GREY, INK, SMALL, WHITE, chart, element, label

_ROW: Final = 82


@dataclass(frozen=True, slots=True)
class Span:
    """A label with two numbers of days, or None for both and the reason in `missing`."""

    label: str
    half: int | None
    nine_in_ten: int | None
    missing: str = ""


def wait_chart(identity: str, title: str, description: str, spans: Sequence[Span]) -> Markup:
    """A line for each wait, from 0 days through the median to the 90th percentile."""
    scale = Scale(max([1, *(span.nine_in_ten or 0 for span in spans)]))
    height = len(spans) * _ROW
    rows = [_row(span, at * _ROW, scale) for at, span in enumerate(spans)]
    foot = label("days", 0, height + 34, size=SMALL)
    return chart(identity, title, description, height + 40, [*rows, scale.numbers(height + 16), foot])


def _row(span: Span, top: float, scale: Scale) -> Markup:
    name = label(span.label, 0, top + 20, bold=True)
    if span.half is None or span.nine_in_ten is None:
        return name + label(span.missing, 0, top + 44)
    y = top + 42
    half, most = scale.x(span.half), scale.x(span.nine_in_ten)
    diamond = f"M{most - 9:.1f} {y}L{most:.1f} {y - 9}L{most + 9:.1f} {y}L{most:.1f} {y + 9}Z"
    words = f"Half: {span.half} days. Nine in ten: {span.nine_in_ten} days."
    return Markup("").join(
        (
            name,
            scale.lines(y - 14, y + 14),
            element("line", x1=scale.x(0), x2=half, y1=y, y2=y, stroke=BLUE, stroke_width=6),
            element(
                "line", x1=half, x2=most, y1=y, y2=y, stroke=GREY, stroke_width=3, stroke_dasharray="6 4"
            ),
            element("circle", cx=half, cy=y, r=8, fill=BLUE, stroke=INK, stroke_width=1),
            element("path", d=diamond, fill=WHITE, stroke=INK, stroke_width=2),
            label(words, 0, top + 68, size=SMALL),
        )
    )
