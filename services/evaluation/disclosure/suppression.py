"""Decides which counts to suppress, so that no person can be picked out.

Small counts (1 to 7) are not shown, 0 is, and every other count is rounded to the nearest 5. That alone is
not enough. A total less the parts that are shown can give a suppressed part away. So can a total that only
one set of small parts adds up to: only four parts of 7 make 28, shown as 30. So can the zeros: a suppressed
total with 7 parts that are not 0 is 7. So more is suppressed:

- no part of a small total is shown, not even a 0;
- no line (a total with its parts) has exactly one suppressed member that is not 0;
- each count that is not 0 could be at least two different numbers. This holds against all conclusions from
  the rounding, the zeros, the sums along all lines and the orders between counts. It even holds for a reader
  who knows which counts are suppressed for being small.

Percentages and means are not considered here: they are published so that they say nothing more about a count
(see `precision`).

Not defended against: a reader who already knows most of the counts, or who watches a count change daily.

Reference for the rule: NHS England's disclosure control for hospital statistics (1 to 7, nearest 5).
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)

MIN_SHOWN: Final = 8
ROUNDED_TO: Final = 5
_SLACK: Final = ROUNDED_TO // 2
_COUNTLESS: Final = 10**12


class Line(NamedTuple, Generic[K]):
    """A total and the parts that add up to it."""

    total: K
    parts: tuple[K, ...]

    @property
    def total_and_parts(self) -> tuple[K, ...]:
        """The keys of all members of the line, the total first."""
        return (self.total, *self.parts)


class AtMost(NamedTuple, Generic[K]):
    """Two counts of which the first is never more than the second, such as met and referred."""

    less: K
    more: K


def is_small(count: int) -> bool:
    """Tests whether a count reveals something about few people."""
    return 0 < count < MIN_SHOWN


def rounded(count: int) -> int:
    """Rounds a count to the nearest 5."""
    return (count + _SLACK) // ROUNDED_TO * ROUNDED_TO


def suppressed(
    counts: Mapping[K, int], lines: Iterable[Line[K]], orders: Iterable[AtMost[K]] = ()
) -> frozenset[K]:
    """Chooses the counts to suppress. A key that `counts` does not hold counts 0.

    An order that the counts break, as after a wrong clock, is left out: no conclusion follows from it.

    Raises:
        ValueError: a total is not the sum of its parts. Conclusions from it would be false, and limits that
            contradict each other would be narrowed without end.
    """
    lines = list(lines)
    for line in lines:
        if counts.get(line.total, 0) != sum(counts.get(part, 0) for part in line.parts):
            raise ValueError("a total is not the sum of its parts")
    live = [line for line in lines if counts.get(line.total, 0)]
    kept = [order for order in orders if 0 < counts.get(order.more, 0) >= counts.get(order.less, 0)]
    table = _Table(counts, live, kept)
    while True:
        table.leave_none_alone()
        exposed = table.exposed()
        if not exposed:
            return frozenset(table.suppressed)
        if not table.cover(exposed):
            # No count is left to suppress: a reader learns no more than the zeros reveal.
            return frozenset(table.suppressed)


class _Table(Generic[K]):
    def __init__(
        self, counts: Mapping[K, int], lines: Sequence[Line[K]], orders: Sequence[AtMost[K]]
    ) -> None:
        self._counts = counts
        self._lines = lines
        self._orders = orders
        self._through: dict[K, list[Line[K]]] = defaultdict(list)
        for line in lines:
            for key in line.total_and_parts:
                self._through[key].append(line)
        self._beside: dict[K, list[AtMost[K]]] = defaultdict(list)
        for order in orders:
            for key in order:
                self._beside[key].append(order)
        self.small = {key for key, count in counts.items() if is_small(count)}
        # Parts of small totals: no reader sees which of them are 0.
        self.sheltered = {key for line in lines if line.total in self.small for key in line.parts}
        self.suppressed: set[K] = self.small | self.sheltered

    def _count(self, key: K) -> int:
        return self._counts.get(key, 0)

    def _cheapest(self, line: Line[K]) -> K | None:
        """The cheapest member of a line to suppress: its smallest shown part, then its total."""
        parts = [key for key in line.parts if key not in self.suppressed and self._count(key)]
        if parts:
            return min(parts, key=self._count)
        return line.total if line.total not in self.suppressed else None

    def _zero(self, line: Line[K]) -> K | None:
        return next((key for key in line.parts if key not in self.suppressed), None)

    def leave_none_alone(self) -> None:
        """Suppresses a second member of each line that has exactly one. A suppressed 0 does not protect."""
        pending = list(self._lines)
        while pending:
            line = pending.pop()
            if sum(key in self.suppressed for key in line.total_and_parts if self._count(key)) != 1:
                continue
            chosen = self._cheapest(line)
            if chosen is not None:
                self.suppressed.add(chosen)
                pending += self._through[chosen]

    def cover(self, exposed: Sequence[K]) -> bool:
        """Suppresses one more count for each of these, except beside one that was suppressed just now.

        Returns False if no count was left to suppress.
        """
        beside: set[K] = set()
        covered = False
        for key in exposed:
            if key in beside:
                continue
            chosen = self._cover(key)
            if chosen is not None:
                covered = True
                beside.update(at for line in self._through[chosen] for at in line.total_and_parts)
        return covered

    def _cover(self, key: K) -> K | None:
        """Suppresses one count: in a line through `key`, else in one through its neighbours, and so on."""
        for line in self._outwards(key):
            chosen = self._cheapest(line)
            if chosen is None:
                chosen = self._zero(line)
            if chosen is not None:
                self.suppressed.add(chosen)
                return chosen
        return None

    def _outwards(self, key: K) -> Iterator[Line[K]]:
        """Walks the lines through a key, then those through their other members, nearest first."""
        pending, seen = deque([key]), {key}
        while pending:
            for line in self._through[pending.popleft()]:
                yield line
                near = (*line.total_and_parts, *(k for at in line.total_and_parts for k in self._near(at)))
                new = [member for member in dict.fromkeys(near) if member not in seen]
                pending.extend(new)
                seen.update(new)

    def _near(self, key: K) -> Iterator[K]:
        return (member for order in self._beside[key] for member in order)

    def exposed(self) -> list[K]:
        """The counts that could be one number only, in the order of the lines.

        The order decides what is suppressed beside them. The order of a set differs between processes: the
        same counts could then be published in two ways, one giving away the other.
        """
        lowest, highest = self._limits()
        return [key for key in self._through if self._count(key) and lowest[key] == highest[key]]

    def _limits(self) -> tuple[dict[K, int], dict[K, int]]:
        """The least and the most of each count, by all conclusions line by line."""
        lowest: dict[K, int] = {}
        highest: dict[K, int] = {}
        for key in (*self._through, *self._beside):
            lowest[key], highest[key] = self._known(key)
        pending: dict[Line[K] | AtMost[K], None] = dict.fromkeys((*self._orders, *self._lines))
        while pending:
            known, _ = pending.popitem()
            if isinstance(known, Line):
                changed = _narrowed(known, lowest, highest)
            else:
                changed = _ordered(known, lowest, highest)
            for key in changed:
                pending.update(dict.fromkeys(self._through[key]))
                pending.update(dict.fromkeys(self._beside[key]))
        return lowest, highest

    def _known(self, key: K) -> tuple[int, int]:
        """The limits of one count alone, for a reader who knows why it is suppressed."""
        count = self._count(key)
        if key not in self.suppressed:
            shown = rounded(count)
            return (max(shown - _SLACK, MIN_SHOWN), shown + _SLACK) if count else (0, 0)
        if count >= MIN_SHOWN:
            return MIN_SHOWN, _COUNTLESS
        if not count:
            return 0, 0  # a reader may know that the count must be 0
        return (0 if key in self.sheltered else 1), MIN_SHOWN - 1


def _narrowed(line: Line[K], lowest: dict[K, int], highest: dict[K, int]) -> list[K]:
    """Narrows the limits of a line's members by each other. Returns the members that changed."""
    least = sum(lowest[key] for key in line.parts)
    most = sum(highest[key] for key in line.parts)
    changed = _narrow(line.total, least, most, lowest, highest)
    low, high = lowest[line.total], highest[line.total]
    for key in line.parts:
        others_least, others_most = least - lowest[key], most - highest[key]
        changed += _narrow(key, low - others_most, high - others_least, lowest, highest)
    return changed


def _ordered(order: AtMost[K], lowest: dict[K, int], highest: dict[K, int]) -> list[K]:
    """Narrows the limits of two ordered counts. Returns those that changed."""
    below = _narrow(order.less, 0, highest[order.more], lowest, highest)
    return below + _narrow(order.more, lowest[order.less], _COUNTLESS, lowest, highest)


def _narrow(key: K, low: int, high: int, lowest: dict[K, int], highest: dict[K, int]) -> list[K]:
    if low <= lowest[key] and high >= highest[key]:
        return []
    lowest[key], highest[key] = max(lowest[key], low), min(highest[key], high)
    return [key]
