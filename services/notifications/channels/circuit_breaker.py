"""Patience with one gateway: a bound for each answer, and a rest for one that does not answer at all.

Without the rest, messages to a gateway that hangs would fill every hand, and those to the other would wait.
"""

import time
from asyncio import timeout
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from services.notifications.channels.gateway import GATEWAY_SECONDS, NoAnswer
from shared.delivery.model.errors import PermanentFailure, RetryLater

REST: Final = timedelta(seconds=30)


class CircuitBreaker:
    """With one gateway, of one process. `passed` gives seconds by a clock that nobody sets."""

    def __init__(
        self,
        seconds: float = GATEWAY_SECONDS,
        rest: timedelta = REST,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._rest = rest.total_seconds()
        self._passed = passed
        self._until: float | None = None
        """Set while the gateway does not answer: when one message is tried again."""

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Around one message. Raises NotNow where the gateway is at rest, or gives no answer in time."""
        now = self._passed()
        if self._until is not None:
            if now < self._until:
                raise RetryLater(timedelta(seconds=self._until - now))
            # One message finds out whether it is back; the others leave it alone until that is known.
            self._until = now + self._rest
        try:
            async with timeout(self._seconds):
                yield
        except (TimeoutError, NoAnswer):
            self._until = self._passed() + self._rest
            raise RetryLater from None
        except (RetryLater, PermanentFailure):
            self._until = None  # it refuses, but it answers
            raise
        self._until = None
