"""The time of each process: Monday morning for all, and a wrong hour for one of them.

Messages wait at night, and no meeting is booked on a Sunday, so a run by the machine's own clock would depend
on its start. Each process reads its offset from a file in a folder of its own.
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
        # Seconds before the machine's clock.
        self.ahead = (monday_morning(now) - now).total_seconds()

    def __call__(self) -> datetime:
        """The right time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def give(self, folder: Path, wrong_by: float = 0.0) -> None:
        """Sets the clock of this folder's process right, or wrong by this many seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        # In place: readers map the file into memory, and a truncated file would end them.
        with path.open("r+b") as file:
            file.write(_SECONDS.pack(self.ahead + wrong_by))


def monday_morning(after: datetime) -> datetime:
    """9:30 in London on the next Monday."""
    day = after.astimezone(LONDON).date()
    return datetime.combine(day + timedelta(days=7 - day.weekday()), time(9, 30), LONDON).astimezone(UTC)
