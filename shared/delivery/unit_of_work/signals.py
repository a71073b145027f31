"""Signals within a process: a commit wakes the loops and requests that wait for its result."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.platform.clock import Clock


class TaskSignal:
    """Wakes the scheduler's loops when a task is written that may run at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """An event that is set by each notification; its loop clears it."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def notify(self, at: datetime) -> None:
        """A task was written that runs from `at` on."""
        if at <= self._clock():
            for event in self._events:
                event.set()


class ReferralSignal:
    """Wakes requests that wait for a change of a referral."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def subscribe(self, identity: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever this referral changes."""
        event = asyncio.Event()
        self._events.setdefault(identity, set()).add(event)
        try:
            yield event
        finally:
            events = self._events[identity]
            events.discard(event)
            if not events:
                del self._events[identity]

    def notify(self, identities: Iterable[str]) -> None:
        """These referrals were changed."""
        for identity in identities:
            for event in self._events.get(identity, ()):
                event.set()
