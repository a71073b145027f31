"""Bars beside one another: a label over each, its number at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.evaluation.charts.svg import (
    BLUE,
    GREY,
    INK,
    PALE,
    SMALL,
    WIDTH,
    chart,
    element,
    hatching,
    label,
)

_ROW: Final = 54
_BAR: Final = 20
_LONGEST: Final = WIDTH - 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A label, a length (None: suppressed) and the number in words.

    `upto` is the greatest possible length, where only a range is known.
    """

    label: str
    length: float | None
    words: str
    upto: float | None = None


def bar_chart(
    identity: str, title: str, description: str, bars: Sequence[Bar], longest: float | None = None
) -> Markup | None:
    """Horizontal bars against a pale track as long as `longest`, or as the longest bar.

    None where every bar is suppressed.
    """
    if all(bar.length is None for bar in bars):
        return None
    scale = longest if longest is not None else max((bar.length or 0 for bar in bars), default=0)
    pattern = f"{identity}-held"
    rows = [_row(bar, at * _ROW, scale, pattern) for at, bar in enumerate(bars)]
    return chart(identity, title, description, len(bars) * _ROW, [hatching(pattern), *rows])


def _row(bar: Bar, top: float, scale: float, pattern: str) -> Markup:
    y = top + 24
    parts = [
        label(bar.label, 0, top + 17),
        label(bar.words, WIDTH, top + 17, anchor="end", bold=True, size=SMALL + 2),
        element("rect", x=1, y=y, width=_LONGEST, height=_BAR, fill=PALE, stroke=GREY, stroke_width=1),
    ]
    if bar.length is None:
        hatch = f"url(#{pattern})"
        parts.append(element("rect", x=1, y=y, width=_LONGEST, height=_BAR, fill=hatch, stroke=GREY))
    elif bar.length and scale:
        if bar.upto is not None and bar.upto > bar.length:
            hatch = f"url(#{pattern})"
            most = _LONGEST * min(bar.upto / scale, 1)
            parts.append(element("rect", x=1, y=y, width=most, height=_BAR, fill=hatch, stroke=GREY))
        length = max(2.0, _LONGEST * min(bar.length / scale, 1))
        parts.append(
            element("rect", x=1, y=y, width=length, height=_BAR, fill=BLUE, stroke=INK, stroke_width=1)
        )
    return Markup("").join(parts)
