"""Stops a locality's stream if our own code keeps failing, so that not every record becomes a dead letter.

Not one class with the circuit breaker of a gateway (services/notifications/channels): that one opens at the
first missing answer, bounds each call and turns calls away with a delay. This one counts failures in a row
and bounds nothing; a caller waits until a retry is due.
"""

import time


class StreamStopped(Exception):
    """The breaker is open: the rest of the batch is neither handled nor committed."""


class FailureBreaker:
    """Opens after `failures` failures of our own code in a row, each on a readable record."""

    def __init__(self, failures: int, open_seconds: float) -> None:
        self._max_failures = failures
        self._open_seconds = open_seconds
        self._failures = 0
        self._opened: float | None = None

    @property
    def open(self) -> bool:
        """True if the stream is stopped."""
        return self._failures >= self._max_failures

    def failed(self) -> None:
        """Counts a failure."""
        self._failures += 1
        if self.open:
            self._opened = time.monotonic()

    def succeeded(self) -> None:
        """Closes the breaker."""
        self._failures = 0
        self._opened = None

    def may_retry(self) -> bool:
        """True if the breaker is closed, or open for long enough that a retry is due."""
        return not self.open or time.monotonic() - (self._opened or 0.0) >= self._open_seconds
