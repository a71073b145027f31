"""The table of sources by which a fold decides: whose word weighs more, and who speaks for a part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.contract.events.topics import SourcePart, our_parts


class SourceTable(Protocol):
    """The sources of a programme. A source that no list names has the rank 0."""

    def rank(self, source: str) -> int:
        """The weight of a source's facts in its locality. The higher number wins."""

    def parts(self, source: str) -> frozenset[SourcePart]:
        """The parts for which a source speaks: those of its name if it is ours, else the one it brings.

        Whether the source owns the part now changes nothing: what an owner has said stays said.
        """


@dataclass(frozen=True, slots=True)
class ListedSources:
    """A table of sources as vectors have it.

    Attributes:
        ranks: the rank of each source; a source that is not there has 0.
        brings: the part of each partner's source that brings one.
    """

    ranks: Mapping[str, int] = field(default_factory=dict)
    brings: Mapping[str, SourcePart] = field(default_factory=dict)

    def rank(self, source: str) -> int:
        """As SourceTable."""
        return self.ranks.get(source, 0)

    def parts(self, source: str) -> frozenset[SourcePart]:
        """As SourceTable."""
        ours = our_parts(source)
        if ours or source not in self.brings:
            return ours
        return frozenset({self.brings[source]})
