"""Decides from which offset a locality's stream goes on, or that it must not go on. Pure.

The database keeps, beside the facts, the handled offset of each partition: all records before it are in the
facts. A committed offset of the group lags behind it a little, because the handled offset is written first.
A committed offset ahead of it means that records may never have been handled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from aiokafka import TopicPartition

# The text beside a committed offset of ours.
OUR_MARK: Final = "linkwork"

# Reasons for which a stream stops until an operator decides.
#   log_replaced: the topic was deleted and made anew, or the broker belongs to another cluster.
#   log_shortened: the topic ends before the handled offset.
#   database_behind: a service of ours handled and committed records that this database does not have.
Mismatch = Literal["log_replaced", "log_shortened", "database_behind"]
# Offsets from which an operator may let a stopped stream go on.
Begin = Literal["handled", "committed", "start"]
BEGINS: Final[Mapping[Mismatch, tuple[Begin, ...]]] = {
    "log_replaced": ("start",),
    "log_shortened": ("start",),
    "database_behind": ("handled", "committed"),
}
MISMATCHES: Final[tuple[Mismatch, ...]] = ("log_replaced", "log_shortened", "database_behind")


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic: the id that the broker gave it when it was made, and its partitions.

    The id is empty if the broker is too old to tell it.
    """

    log: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """A group's committed offset of one partition; `ours` if a service of ours committed it."""

    offset: int
    ours: bool


@dataclass(frozen=True, slots=True)
class HandledOffset:
    """The handled offset of one partition.

    Attributes:
        log: the id of the topic that was read.
        next: the offset after the last handled record.
        disregards: an operator decided that committed offsets up to this one do not count.
    """

    log: str
    next: int
    disregards: int = 0


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of one locality's stream in the database and on the broker.

    Attributes:
        topics: the locality's topics that exist.
        handled: the handled offsets; none before the first start of this version.
        committed: the committed offsets of the group.
        ends: the ends of the partitions that this process has.
        adopts: an earlier version handled what the group has committed, and kept no handled offsets.
    """

    topics: Mapping[str, TopicState]
    handled: Mapping[TopicPartition, HandledOffset]
    committed: Mapping[TopicPartition, Committed]
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    adopts: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The offsets to begin at, by partition, or the reason why the stream stops.

    Attributes:
        first: handled offsets of partitions that the database does not know yet.
        uncommitted: starts that differ from the group's committed offset, so they are committed again.
        passed_over: records of each partition that another client committed and no service of ours handled.
        mismatch: why the stream stops.
        partitions: the partitions with that mismatch.
    """

    starts: Mapping[TopicPartition, int]
    first: Mapping[TopicPartition, HandledOffset]
    uncommitted: Mapping[TopicPartition, int]
    passed_over: Mapping[TopicPartition, int]
    mismatch: Mismatch | None = None
    partitions: tuple[TopicPartition, ...] = ()


def judge(state: StreamState) -> Verdict:
    """Compares the handled offsets with the log and with the group's committed offsets."""
    starts: dict[TopicPartition, int] = {}
    first: dict[TopicPartition, HandledOffset] = {}
    uncommitted: dict[TopicPartition, int] = {}
    passed_over: dict[TopicPartition, int] = {}
    wrong: dict[Mismatch, list[TopicPartition]] = {}
    for at, log in _partitions(state):
        kept = state.handled.get(at)
        committed = state.committed.get(at)
        if kept is None:
            kept = first[at] = HandledOffset(log, _first_offset(state, committed))
        mismatch = _mismatch(kept, log, state.ends.get(at), committed)
        if mismatch is not None:
            wrong.setdefault(mismatch, []).append(at)
            continue
        start = starts[at] = _start(kept, committed)
        by_group = committed.offset if committed is not None else 0
        if by_group != start:
            uncommitted[at] = start
        if by_group > max(start, kept.disregards):
            passed_over[at] = by_group - start
    mismatch = next((reason for reason in MISMATCHES if reason in wrong), None)
    partitions = tuple(wrong[mismatch]) if mismatch is not None else ()
    return Verdict(starts, first, uncommitted, passed_over, mismatch, partitions)


def _start(kept: HandledOffset, committed: Committed | None) -> int:
    """The handled offset, unless an operator has set the group's offset back to read records again."""
    if committed is None or committed.ours:
        return kept.next
    return min(kept.next, committed.offset) if committed.offset > kept.disregards else kept.next


def is_another_log(handled: HandledOffset, log: str) -> bool:
    """True if the topic was made anew since, as far as the broker tells ids of topics."""
    return bool(handled.log and log and handled.log != log)


def first_unhandled(handled: HandledOffset | None, log: str, end: int) -> int:
    """The offset from which a partition is read: its beginning, if the handled offset is of another log."""
    if handled is None or handled.next > end or is_another_log(handled, log):
        return 0
    return handled.next


def resume(state: StreamState, verdict: Verdict, begin: Begin) -> dict[TopicPartition, HandledOffset]:
    """The handled offsets with which a stopped stream goes on, as an operator has decided.

    `handled` decides anew on what the database lost, `committed` leaves it out, and `start` accepts the log
    that is there now.

    Raises:
        ValueError: the stream cannot begin there.
    """
    if verdict.mismatch is None or begin not in BEGINS[verdict.mismatch]:
        raise ValueError(f"{verdict.mismatch} does not allow {begin}")
    resumed: dict[TopicPartition, HandledOffset] = {}
    for at in verdict.partitions:
        committed = state.committed[at].offset if at in state.committed else 0
        kept = state.handled.get(at)
        reached = {"handled": kept.next if kept is not None else 0, "committed": committed, "start": 0}
        resumed[at] = HandledOffset(state.topics[at.topic].log, reached[begin], committed)
    return resumed


def handled_by_us(
    handled: Mapping[TopicPartition, HandledOffset],
    committed: Mapping[TopicPartition, Committed],
    partitions: Collection[TopicPartition],
) -> dict[TopicPartition, int]:
    """The offset up to which a service of ours has handled each partition, whatever the database has."""
    offsets: dict[TopicPartition, int] = {}
    for at in partitions:
        kept, by_group = handled.get(at), committed.get(at)
        trusted = by_group is not None and (by_group.ours or kept is None)
        offsets[at] = max(
            kept.next if kept is not None else 0,
            by_group.offset if by_group is not None and trusted else 0,
        )
    return offsets


def _partitions(state: StreamState) -> list[tuple[TopicPartition, str]]:
    return [
        (TopicPartition(name, number), topic.log)
        for name, topic in state.topics.items()
        for number in topic.partitions
    ]


def _first_offset(state: StreamState, committed: Committed | None) -> int:
    """The handled offset of a partition without one."""
    if committed is None or committed.ours or state.handled or not state.adopts:
        return 0
    return committed.offset


def _mismatch(kept: HandledOffset, log: str, end: int | None, committed: Committed | None) -> Mismatch | None:
    if is_another_log(kept, log):
        return "log_replaced"
    if end is not None and end < kept.next:
        return "log_shortened"
    ahead = committed is not None and committed.offset > max(kept.next, kept.disregards)
    if ahead and committed is not None and committed.ours:
        return "database_behind"
    return None
