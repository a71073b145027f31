"""The time by which each process goes: Monday morning for all, and another hour for one of them.

Messages are held at night and meetings are not made for a Sunday, so a run by the machine's own clock would
depend on when it is started. Each process reads how far ahead it is from a file in a folder of its own.
"""

import struct
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

FILE = "clock"
LONDON = ZoneInfo("Europe/London")
_SECONDS = struct.Struct("=d")


class Clocks:
    """The clock of each process, set ahead of the machine's."""

    def __init__(self, now: datetime) -> None:
        self._ahead = (monday_morning(now) - now).total_seconds()

    def __call__(self) -> datetime:
        """The right time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def give(self, folder: Path, wrong_by: float = 0.0) -> None:
        """Let the process of this folder go by the right time, or be wrong by so many seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        # In place: who reads it has the file in its memory, and a shortened one would end the reader.
        with path.open("r+b") as file:
            file.write(_SECONDS.pack(self._ahead + wrong_by))


def monday_morning(after: datetime) -> datetime:
    """Half past nine in London on the Monday that comes."""
    day = after.astimezone(LONDON).date()
    return datetime.combine(day + timedelta(days=7 - day.weekday()), time(9, 30), LONDON).astimezone(UTC)
