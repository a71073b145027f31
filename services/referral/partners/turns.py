"""Turns: each source has a queue and a rate, so that a flood of one source does not delay another."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Records that a source may have judged in one turn. A turn of as many takes a few milliseconds.
MOST_IN_A_TURN: Final = 50


@dataclass(slots=True)
class _Queue(Generic[T]):
    left: float
    at: float
    items: deque[T] = field(default_factory=deque)
    rests_until: float = 0.0


class Turns(Generic[T]):
    """The queues of all sources. Times are in seconds of any clock that does not go back.

    A source that was quiet may have as many records judged at once as its rate allows in a second.
    """

    def __init__(self, a_second: float, most: int = MOST_IN_A_TURN) -> None:
        self._a_second = a_second
        self._burst = max(1.0, a_second)
        self._most = most
        self._queues: dict[str, _Queue[T]] = {}

    def add(self, source: str, items: Iterable[T], now: float) -> None:
        """Puts items behind those that the source has."""
        queue = self._queues.get(source)
        if queue is None:
            queue = self._queues[source] = _Queue(self._burst, now)
        queue.items.extend(items)

    def put_back(self, source: str, items: Iterable[T], until: float) -> None:
        """Puts items that were taken before all others of their source, which then rests until a time."""
        queue = self._queues[source]
        queue.items.extendleft(reversed(list(items)))
        queue.rests_until = until

    def take(self, now: float) -> list[tuple[str, list[T]]]:
        """The next items of each source that may have some, in order."""
        taken = []
        for source, queue in self._queues.items():
            queue.left = min(self._burst, queue.left + (now - queue.at) * self._a_second)
            queue.at = now
            count = min(len(queue.items), self._most, int(queue.left))
            if count and queue.rests_until <= now:
                queue.left -= count
                taken.append((source, [queue.items.popleft() for _ in range(count)]))
        return taken

    def wait(self, now: float) -> float | None:
        """Seconds until `take` has something; None if there is nothing in any queue."""
        waits = [
            max(queue.rests_until - now, (1 - queue.left) / self._a_second - (now - queue.at), 0.0)
            for queue in self._queues.values()
            if queue.items
        ]
        return min(waits, default=None)

    def waiting(self, source: str) -> int:
        """The number of items in a source's queue."""
        queue = self._queues.get(source)
        return len(queue.items) if queue else 0

    def clear(self) -> None:
        """Removes all items. Rates stay as they are."""
        for queue in self._queues.values():
            queue.items.clear()
