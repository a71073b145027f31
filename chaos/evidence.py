"""The evidence from outside about a run at rest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from chaos.log import Content, Entry

PARTITIONS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A deviation. `at` is its time in seconds since 1970, or 0."""

    kind: Literal["lost", "doubled", "wrong"]
    what: str
    where: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A harmful record on the bus. `aside`: it can only become a dead letter."""

    sort: str
    aside: bool
    at: float
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def content(self) -> Content:
        """The record without its position."""
        return self.topic, self.key or b"", self.value or b"", self.headers


@dataclass(frozen=True, slots=True)
class Opened:
    """The record that a service's dead letter keeps, by its position."""

    part: str
    place: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A time in a diary."""

    link_worker: str
    starts_at: datetime
    minutes: int
    referral: str
    meeting: str
    behind: bool = False  # The meeting overlaps another, and takes the time over when it is released.

    def overlaps(self, other: "Taken") -> bool:
        """Tests whether the two overlap, in any two diaries."""
        ends_at = self.starts_at + timedelta(minutes=self.minutes)
        return (
            self.starts_at < other.starts_at + timedelta(minutes=other.minutes) and other.starts_at < ends_at
        )


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that a gateway was given, under its reference."""

    reference: str
    channel: str
    at: float
    sender: str = ""  # The sending process; empty if the gateway does not know it.
    heard: bool = True  # True if the sender was still connected at the gateway's yes.


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that struck these processes, with its start and end in seconds since 1970."""

    fault: str
    targets: tuple[str, ...]
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The requests of a run, and the state afterwards."""

    # Acknowledged referrals, and the time of each.
    accepted: Mapping[str, float]
    unanswered: int  # Requests without a known result.
    refused: Sequence[int]  # Status codes of valid requests that were refused.
    # The partner's acknowledged events by (source, id), and the time of each.
    said: Mapping[tuple[str, str], float]
    poison: Sequence[Poisoned]
    log: Sequence[Entry]
    letters: Sequence[Opened]
    handed: Sequence[Handed]
    taken: Sequence[Taken]
    figures: Mapping[str, Mapping[str, Any]]  # The answer of the evaluation service, by place.
    # The records of the partner's inboxes, and the published refusals.
    inboxes: Sequence[Entry] = ()
    refusals: Sequence[Entry] = ()
    # Records that a group has not handled, by group and topic.
    lag: Mapping[str, int] = field(default_factory=dict)
    # Rows of the outbox and of scheduled tasks that should be gone, by collection.
    stuck: Mapping[str, int] = field(default_factory=dict)
    # Messages due within the next two hours: a clock that was wrong by an hour delayed them.
    put_off: frozenset[str] = frozenset()
    troubles: Sequence[Trouble] = ()
    # The facts that each service keeps, as `<source>/<id>`. Empty if they were not read.
    facts: Mapping[str, Collection[str]] = field(default_factory=dict)
    partitions: int = PARTITIONS  # Of each event topic.
