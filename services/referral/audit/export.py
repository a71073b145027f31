"""The audit of a record as comma-separated values, which no spreadsheet takes for a formula. Pure."""

import csv
from collections.abc import Iterable
from datetime import UTC
from io import StringIO
from typing import Final

from services.referral.audit.record import Line

HEADER: Final = (
    *("time_utc", "service", "kind", "who", "role", "action", "about", "referral", "purpose", "codes"),
    *("times", "request_id"),
)
# Signs with which a spreadsheet begins a formula, or that it skips before one.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(lines: Iterable[Line]) -> str:
    """A line an entry, with a header."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER)
    writer.writerows([[safe(cell) for cell in _cells(line)] for line in lines])
    return written.getvalue()


def safe(cell: str) -> str:
    """The cell as text: an apostrophe stands before what a spreadsheet would calculate."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _cells(line: Line) -> tuple[str, ...]:
    entry = line.entry
    return (
        entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        line.service,
        entry.kind.value,
        entry.caller,
        entry.role,
        entry.action,
        "referral" if entry.referral else "person",
        entry.referral or "",
        entry.purpose,
        " ".join(entry.codes),
        str(entry.times),
        entry.request_id,
    )
