"""Formats of what the commands print: tables, JSON and times."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from shared.platform.clock import LONDON


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows under their head, in plain text that a screen reader and a pipe can read.

    Two spaces separate the columns, and no line is longer than it must be.
    """
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(content: Any) -> str:
    """The content as indented JSON."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


def format_time(time: datetime) -> str:
    """London time, to the second, with its offset from UTC."""
    return time.astimezone(LONDON).isoformat(sep=" ", timespec="seconds")
