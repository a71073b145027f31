"""For how long to wait, whatever becomes of the clock meanwhile."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from shared.clock import Clock

JUMP: Final = timedelta(seconds=5)
BELIEVED_AFTER_SECONDS: Final = 60.0


class Steady:
    """A clock that follows no jump before it has lasted for a minute: for when to try something again.

    What a clock that is an hour ahead for a moment puts off for seconds would wait for an hour.
    """

    def __init__(self, clock: Clock, seconds: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._told, self._at = clock(), seconds()
        self._jumped_at: float | None = None

    def __call__(self) -> datetime:
        told, at = self._clock(), self._seconds()
        expected = self._told + timedelta(seconds=at - self._at)
        if abs(told - expected) >= JUMP:
            if self._jumped_at is None:
                self._jumped_at = at
            if at - self._jumped_at < BELIEVED_AFTER_SECONDS:
                return expected
        self._told, self._at, self._jumped_at = told, at, None
        return told
