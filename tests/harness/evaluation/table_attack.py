"""An attacker who knows all shown counts of a table, and why each suppressed count is suppressed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from services.evaluation.disclosure.suppression import Line, is_small, rounded, suppressed

Key = tuple[str, ...]
Table = Mapping[Key, int]
TOTAL = "total"


def with_totals(
    inner: Mapping[Key, int], axes: Sequence[Sequence[str]]
) -> tuple[dict[Key, int], list[Line[Key]]]:
    """A table of any number of axes with all of its totals, and its lines."""
    counts: dict[Key, int] = {}
    for key in product(*((*axis, TOTAL) for axis in axes)):
        inside = product(*(axis if name == TOTAL else (name,) for name, axis in zip(key, axes, strict=True)))
        counts[key] = sum(inner.get(key_inside, 0) for key_inside in inside)
    lines = [
        Line(key, tuple((*key[:at], part, *key[at + 1 :]) for part in axis))
        for key in counts
        for at, axis in enumerate(axes)
        if key[at] == TOTAL
    ]
    return counts, lines


@dataclass(frozen=True)
class Seen:
    """A published table, and the reasons of suppression that its reader is assumed to know.

    `sheltered` are parts of small totals: suppressed whether 0 or not.
    """

    counts: Mapping[Key, int]
    withheld: frozenset[Key]
    sheltered: frozenset[Key]

    def allows(self, key: Key, other: int) -> bool:
        """Tests whether a count could be another number and look the same."""
        count = self.counts[key]
        if key in self.sheltered:
            return is_small(count) and (other == 0 or is_small(other)) if count else other == 0
        if key in self.withheld:
            return is_small(count) == is_small(other) and (count == 0) == (other == 0)
        return rounded(count) == rounded(other) and (count == 0) == (other == 0) and not is_small(other)


def recovered(inner: Mapping[Key, int], axes: Sequence[Sequence[str]], reach: int = 2) -> list[Key]:
    """The small counts that the attacker recovers: no other table with another number looks the same.

    Tries all tables whose inner counts differ by up to `reach`.
    """
    counts, lines = with_totals(inner, axes)
    small = {key for key, count in counts.items() if is_small(count)}
    seen = Seen(
        counts,
        suppressed(counts, lines),
        frozenset(key for line in lines if line.total in small for key in line.parts),
    )
    assert small | seen.sheltered <= seen.withheld
    exposed = set(small)
    for other in _others(inner, seen, reach):
        if not exposed:
            break
        totals, _ = with_totals(other, axes)
        if all(seen.allows(key, totals[key]) for key in counts):
            exposed -= {key for key in exposed if totals[key] != counts[key]}
    return sorted(exposed)


def _others(inner: Mapping[Key, int], seen: Seen, reach: int) -> Iterator[dict[Key, int]]:
    """Other tables, nearest first, so that the search ends early where it finds one."""
    choices = [
        [
            count + step
            for step in sorted(range(-reach, reach + 1), key=abs)
            if count + step >= 0 and seen.allows(key, count + step)
        ]
        for key, count in inner.items()
    ]
    for values in product(*choices):
        yield dict(zip(inner, values, strict=True))
