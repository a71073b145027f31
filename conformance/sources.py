"""The sources of a programme as a fold needs them: whose word weighs more, and who speaks for a part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.contract import PARTS

_MATCHING: Final = frozenset({"booking", "casework", "directory"})


@dataclass(frozen=True, slots=True)
class Sources:
    """The priority of each source (0 if it is not there), and the part that each brings."""

    priorities: Mapping[str, int] = field(default_factory=dict)
    brings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[Mapping[str, Any]]) -> "Sources":
        """The sources as `GET /api/contract/v1/sources` lists them."""
        rows = list(listed)
        return cls({e["source"]: e["priority"] for e in rows}, {e["source"]: e["part"] for e in rows})

    def weight(self, source: str) -> int:
        """The priority of a source (F4)."""
        return self.priorities.get(source, 0)

    def parts(self, source: str) -> frozenset[str]:
        """The parts for which a source speaks, by its name or by the table (F12)."""
        word = source.rpartition("/")[2]
        if word == "matching":
            return _MATCHING
        return frozenset({word if word in PARTS else self.brings.get(source, "")}) & frozenset(PARTS)

    def knows(self, source: str) -> bool:
        """True if a list names the source, or it speaks for a part (F11)."""
        return self.weight(source) > 0 or bool(self.parts(source))
