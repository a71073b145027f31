"""Writes the figures as one long table, a line for each number, for spreadsheets and statistics programs."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from services.evaluation.reports.model import Figures, PlaceFigures

HEADER = ("place", "place_name", "first_month", "last_month", "section", "item", "label", "figure", "value")
Row = tuple[str, str, str, str, str, str, str, str, str]

_NAMED = frozenset(
    {"code", "label", "need", "need_label", "reason", "reason_label", "better_when", "nearest"}
)


def as_csv(figures: Figures) -> str:
    """Writes comma-separated values with a header. `*`: suppressed; empty: no number."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(rows(figures))
    return written.getvalue()


def rows(figures: Figures) -> Iterator[Row]:
    """Each number with its place, months, section, item and label; before them, owners elsewhere."""
    span = figures.period
    for other in figures.elsewhere:
        yield (
            *(other.place, other.name, span.first_month, span.last_month),
            *("elsewhere", "owner", other.owner, "address", other.address or ""),
        )
    for place in figures.places:
        for section, item, label, figure, value in _numbers(place):
            shown = "" if value is None else str(value)
            yield (
                *(place.place, place.name, span.first_month, span.last_month),
                *(section, item, label, figure, shown),
            )


def _numbers(place: PlaceFigures) -> Iterator[tuple[str, str, str, str, Any]]:
    for section, content in place.model_dump(exclude={"place", "name"}).items():
        yield from _of(section, content)


def _of(section: str, content: Any) -> Iterator[tuple[str, str, str, str, Any]]:
    if isinstance(content, list):
        for each in content:
            yield from _of(section, each)
        return
    item = content.get("code") or ":".join(content[k] for k in ("need", "reason") if k in content) or "all"
    label = content.get("label") or ": ".join(
        content[k] for k in ("need_label", "reason_label") if k in content
    )
    for name, value in content.items():
        if isinstance(value, list):
            yield from _of(section if name == "parts" else f"{section}_{name}", value)
        elif name not in _NAMED:
            yield section, item, label, name, value
