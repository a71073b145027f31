"""A clock that a test moves, for all processes of a run at once.

Meetings are days ahead, reminders go out in daytime and a follow-up is due after twelve weeks. By the
machine's own clock a journey would take months, and its end would depend on the hour and the day of the week.
"""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.platform.clock import system_clock

FILE = "clock"
_SECONDS = struct.Struct("=d")


class MovedClock:
    """The machine's clock plus an offset in seconds. All clocks of the same folder share the offset."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SECONDS.size)

    def __call__(self) -> datetime:
        (seconds,) = _SECONDS.unpack(self._shared[: _SECONDS.size])
        return system_clock() + timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Moves the clock forward to this moment, from which it continues. Never moves back."""
        ahead = moment.astimezone(UTC) - system_clock()
        assert moment >= self(), "time does not run backwards"
        self._shared[: _SECONDS.size] = _SECONDS.pack(ahead.total_seconds())
