"""The epochs of booking from the log alone: markers, owners, and the first appearance of each fact.

Written a second time from docs/contract/fold.md (F7); the module shares no code with the services.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chaos.log import Entry, Event, read

PART = "booking"
OURS = "linkwork"
PARTITIONS = 3
# The last words of the sources in whose name we book.
OUR_WORDS = frozenset({"booking", "matching"})
# The kinds by which booking's owner answers.
ANSWERS = frozenset({"meeting-booked", "meeting_waiting"})
DECISIONS = ANSWERS | {"meeting_cancelled"}
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """The marker of a hand-over at its place: from there on in its partition, booking has this owner."""

    locality: str
    epoch: int
    owner: str
    topic: str
    partition: int
    offset: int
    at: float


@dataclass(frozen=True, slots=True)
class Said:
    """A fact at its first appearance in its partition, with its epoch there."""

    event: Event
    entry: Entry
    epoch: int

    @property
    def owner(self) -> str:
        """The operator of the fact's source, as tables name it."""
        word = self.event.who.rpartition("/")[2]
        return OURS if word in OUR_WORDS else word


def marks(log: Iterable[Entry]) -> list[Mark]:
    """The markers of booking, each at its place."""
    found = []
    for entry in log:
        if entry.is_marker:
            body = json.loads(entry.value or b"")
            if body["part"] == PART:
                place = (entry.topic, entry.partition, entry.offset, entry.at)
                found.append(Mark(body["locality"], body["epoch"], body["owner"], *place))
    return found


class Epochs:
    """The owners of booking by locality and epoch, and the epoch of each place of the log."""

    def __init__(self, log: Iterable[Entry]) -> None:
        log = list(log)
        self.marks = marks(log)
        self._at: dict[Place, list[Mark]] = defaultdict(list)
        for mark in self.marks:
            self._at[mark.topic, mark.partition].append(mark)
        self.owners: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for mark in self.marks:
            self.owners[mark.locality][mark.epoch].add(mark.owner)
        self._log = sorted(log, key=lambda entry: (entry.topic, entry.partition, entry.offset))

    def owner(self, locality: str, epoch: int) -> str:
        """The owner of an epoch; ours before any marker. Several names if markers contradict each other."""
        if epoch == 0:
            return OURS
        return " and ".join(sorted(self.owners[locality][epoch]))

    def epoch(self, entry: Entry) -> int:
        """The highest epoch of the markers before this place."""
        before = self._at[entry.topic, entry.partition]
        return max((mark.epoch for mark in before if mark.offset < entry.offset), default=0)

    def said(self) -> Iterator[Said]:
        """Each fact once for each partition that holds it, at its first appearance."""
        seen: set[tuple[str, int, str, str]] = set()
        for entry in self._log:
            event = None if entry.is_marker else read(entry)
            if event is None:
                continue
            key = (entry.topic, entry.partition, event.who, event.id)
            if key not in seen:
                seen.add(key)
                yield Said(event, entry, self.epoch(entry))

    def decisions(self, bookers: Mapping[str, frozenset[str]]) -> Iterator[Said]:
        """The decisions of booking's owners and candidates.

        Args:
            bookers: names of the partners that may own booking, by locality. What other partners say of
                meetings is no decision of the part.
        """
        for said in self.said():
            if said.event.kind in DECISIONS:
                owner = said.owner
                if owner == OURS or owner in bookers.get(said.event.locality, frozenset()):
                    yield said
