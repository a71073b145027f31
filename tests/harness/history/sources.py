"""Tables of sources for tests that need no more of them than a rank."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contract.events.topics import SourcePart, our_parts


@dataclass(frozen=True)
class RankedBy:
    """Sources that a function ranks, of which none but ours speaks for a part."""

    weigh: Callable[[str], int]

    def rank(self, source: str) -> int:
        return self.weigh(source)

    def parts(self, source: str) -> frozenset[SourcePart]:
        return our_parts(source)
