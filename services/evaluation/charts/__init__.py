"""Charts drawn as SVG on the server: they need no script, scale with the page and print as they look."""

from services.evaluation.charts.bars import Bar, bar_chart
from services.evaluation.charts.scores import Pair, score_chart
from services.evaluation.charts.waits import Span, wait_chart

__all__ = ["Bar", "Pair", "Span", "bar_chart", "score_chart", "wait_chart"]
