"""Moments as an operator types them: a date, a time, or how long ago."""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.platform.clock import LONDON, Clock, system_clock

_AGO = re.compile(r"\A(\d{1,5})([mhd])\Z")
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # before it the broker knows no time
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment(text: str, now: datetime) -> datetime:
    """`30m`, `2h`, `7d` (ago), or ISO 8601; without a zone it is meant in London.

    Raises:
        ValueError: it is none of these.
    """
    ago = _AGO.match(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=LONDON)).astimezone(UTC)


def moment_argument(clock: Clock = system_clock) -> Callable[[str], datetime]:
    """Reads an argument of the command line."""

    def read(text: str) -> datetime:
        try:
            meant = moment(text, clock())
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError("write 2026-11-23T09:00, 2026-11-23, 30m, 2h or 7d") from None
        if meant < _FIRST:
            raise argparse.ArgumentTypeError("nothing was set aside before 1970: name a later time")
        return meant

    return read


def shown(time: datetime) -> str:
    """As people in Staffordshire read it, to the second."""
    return time.astimezone(LONDON).isoformat(sep=" ", timespec="seconds")
