"""Stops a stream on which our own code keeps failing, so that it does not set everything aside."""

import time


class StreamStopped(Exception):
    """The breaker is open: what is left of the batch is neither handled nor committed."""


class FailureBreaker:
    """Opens when our own code fails on readable records several times in a row."""

    def __init__(self, failures: int, rest_seconds: float) -> None:
        self._most = failures
        self._rest = rest_seconds
        self._failed = 0
        self._opened: float | None = None

    @property
    def open(self) -> bool:
        return self._failed >= self._most

    def failed(self) -> None:
        self._failed += 1
        if self.open:
            self._opened = time.monotonic()

    def succeeded(self) -> None:
        self._failed = 0
        self._opened = None

    def may_retry(self) -> bool:
        """Closed, or open for long enough that one more try is due."""
        return not self.open or time.monotonic() - (self._opened or 0.0) >= self._rest
