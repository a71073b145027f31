"""A look-up or command that one part asks of another: who asks whom, by what right, how fast. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shared.contract.events.topics import SOURCE_PARTS, SourcePart

Method = Literal["GET", "POST"]
# `safe`: changes nothing. `key`: done once for an Idempotency-Key. `again`: a repeat has the same effect.
Repeats = Literal["safe", "key", "again"]

# The address of the parts' own paths; those of before keep theirs.
BASE: Final = "/api/contract/v1"
LOOKUP_MS: Final = 2_000
COMMAND_MS: Final = 5_000
EVERY_PART: Final[frozenset[SourcePart]] = frozenset(SOURCE_PARTS)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path or the query. `annotation` is its type, by which its schema is made."""

    name: str
    within: Literal["path", "query", "header"]
    annotation: Any
    words: str
    example: Any
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a part.

    Attributes:
        name: its id in the document.
        owner: the part that answers.
        callers: the parts that may ask.
        scopes: what a token must hold; empty for none.
        purposes: the purposes that each caller may name, where the request names one.
        limit_ms: the time in which the owner answers, and that a caller's page waits.
        problems: codes of refusals beside those that every operation may answer with.
        owners_only: True if a partner must own, in that locality, the part in whose name it asks.
        passed_on: True if a former owner of the part asks too, for what reaches it after a hand-over, as long
            as the table names its source in the locality.
        for_partners: False if only our own services may ask.
    """

    name: str
    owner: SourcePart
    callers: frozenset[SourcePart]
    method: Method
    path: str
    words: str
    scopes: tuple[str, ...]
    answer: Any
    answer_example: Any
    status: int = 200
    body: Any = None
    body_example: Mapping[str, Any] = field(default_factory=dict, hash=False)
    parameters: tuple[Parameter, ...] = ()
    purposes: Mapping[SourcePart, frozenset[str]] = field(default_factory=dict, hash=False)
    problems: tuple[str, ...] = ()
    repeats: Repeats = "safe"
    limit_ms: int = LOOKUP_MS
    owners_only: bool = True
    passed_on: bool = False
    for_partners: bool = True

    @property
    def askers(self) -> frozenset[SourcePart]:
        """The parts in whose name a token may ask: the callers, and for what is passed on the owner's."""
        return self.callers | {self.owner} if self.passed_on else self.callers

    @property
    def scope(self) -> str:
        """The scopes as a request for a token names them."""
        return " ".join(self.scopes)

    @property
    def seconds(self) -> float:
        """The time limit in seconds."""
        return self.limit_ms / 1_000
