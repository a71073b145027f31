"""A scale with round numbers under a chart."""

from collections.abc import Iterator

from markupsafe import Markup

from services.evaluation.charts.svg import GREY, SMALL, WIDTH, element, label

MARGIN = 14


class Scale:
    """A scale from 0 to at least `highest`, across the chart."""

    def __init__(self, highest: float) -> None:
        self.step = next(step for step in _steps() if step * 5 >= highest)
        self.end = self.step * 5

    def x(self, value: float) -> float:
        """The horizontal position of a value."""
        return MARGIN + (WIDTH - 2 * MARGIN) * min(value, self.end) / self.end

    def lines(self, top: float, bottom: float) -> Markup:
        """Faint lines behind the marks of a row, clear of its words."""
        marks = (self.x(tick * self.step) for tick in range(6))
        return Markup("").join(
            element("line", x1=x, x2=x, y1=top, y2=bottom, stroke=GREY, stroke_opacity=0.5) for x in marks
        )

    def numbers(self, y: float) -> Markup:
        """The numbers under the last row."""
        values = (tick * self.step for tick in range(6))
        return Markup("").join(
            label(str(value), self.x(value), y, anchor="middle", size=SMALL) for value in values
        )


def _steps() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
