"""A scale with round numbers under a chart."""

from collections.abc import Iterator

from markupsafe import Markup

from services.evaluation.charts.svg import GREY, SMALL, WIDTH, element, label

MARGIN = 14


class Scale:
    """From 0 to at least `highest`, across the chart."""

    def __init__(self, highest: float) -> None:
        self.step = next(step for step in _steps() if step * 5 >= highest)
        self.end = self.step * 5

    def x(self, value: float) -> float:
        """Where a value lies."""
        return MARGIN + (WIDTH - 2 * MARGIN) * min(value, self.end) / self.end

    def drawn(self, height: float) -> Markup:
        """Faint lines down to `height` and the numbers under them."""
        parts = []
        for tick in range(6):
            value = tick * self.step
            x = self.x(value)
            parts.append(element("line", x1=x, x2=x, y1=4, y2=height, stroke=GREY, stroke_opacity=0.35))
            parts.append(label(str(value), x, height + 18, anchor="middle", size=SMALL))
        return Markup("").join(parts)


def _steps() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
