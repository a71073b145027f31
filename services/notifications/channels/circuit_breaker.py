"""Protects the sending of messages from a gateway that hangs.

Without the breaker, messages to a hanging gateway would occupy every worker, and those to the other gateway
would wait.
"""

import time
from asyncio import timeout
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Final

from services.notifications.channels.gateway import SEND_TIMEOUT_SECONDS, GatewayTimeout
from shared.delivery.model.errors import PermanentFailure, RetryLater

OPEN_FOR: Final = timedelta(seconds=30)


class BreakerState(StrEnum):
    """The state of a breaker: closed passes every call, open none, half-open a single trial call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """The breaker of one gateway in one process.

    A call that gets no answer opens the breaker for `open_for`. Then the breaker is half-open: one call tries
    the gateway while the others still find it open. Any answer, even a refusal, closes the breaker.
    `monotonic` gives seconds by a clock that cannot be set.
    """

    def __init__(
        self,
        call_timeout: float = SEND_TIMEOUT_SECONDS,
        open_for: timedelta = OPEN_FOR,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call_timeout = call_timeout
        self._open_for = open_for.total_seconds()
        self._monotonic = monotonic
        # None while the breaker is closed.
        self._half_open_at: float | None = None

    def state(self, now: float) -> BreakerState:
        """The state at this time of the monotonic clock."""
        if self._half_open_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._half_open_at else BreakerState.HALF_OPEN

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Surrounds one call of the gateway.

        Raises:
            RetryLater: the breaker is open, or the gateway gives no answer in time.
        """
        now = self._monotonic()
        state = self.state(now)
        if state is BreakerState.OPEN and self._half_open_at is not None:
            raise RetryLater(timedelta(seconds=self._half_open_at - now))
        if state is BreakerState.HALF_OPEN:
            # Open for all others until this call has its answer.
            self._half_open_at = now + self._open_for
        try:
            async with timeout(self._call_timeout):
                yield
        except (TimeoutError, GatewayTimeout):
            self._half_open_at = self._monotonic() + self._open_for
            raise RetryLater from None
        except (RetryLater, PermanentFailure):
            self._half_open_at = None
            raise
        self._half_open_at = None
