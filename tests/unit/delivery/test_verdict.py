"""The offset from which a stream goes on, by the handled offsets, the committed ones and the log."""

import pytest
from aiokafka import TopicPartition

from shared.delivery.offsets.verdict import (
    Begin,
    Committed,
    HandledOffset,
    StreamState,
    TopicState,
    Verdict,
    handled_by_us,
    judge,
    resume,
)

TOPIC = "meir.referral-created.v1"
AT, OTHER = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
OURS, THEIRS = True, False


def state(
    handled: HandledOffset | None = None,
    committed: Committed | None = None,
    *,
    log: str = "a",
    end: int | None = 100,
    adopts: bool = False,
    more: dict[TopicPartition, HandledOffset] | None = None,
) -> StreamState:
    return StreamState(
        topics={TOPIC: TopicState(log, (0,))},
        handled={**({AT: handled} if handled else {}), **(more or {})},
        committed={AT: committed} if committed else {},
        ends={} if end is None else {AT: end},
        adopts=adopts,
    )


def kept(offset: int, log: str = "a", disregards: int = 0) -> HandledOffset:
    return HandledOffset(log, offset, disregards)


@pytest.mark.parametrize(
    ("handled", "committed", "start"),
    [
        (kept(50), None, 50),  # The group's offsets have expired.
        (kept(50), Committed(50, OURS), 50),
        (kept(50), Committed(40, OURS), 50),  # Killed between the two writes.
        (kept(50), Committed(40, THEIRS), 40),  # An operator wants records again.
        (kept(50), Committed(70, THEIRS), 50),  # Passed over.
        (kept(0, disregards=70), Committed(70, OURS), 0),  # An operator has decided.
        (None, None, 0),
    ],
)
def test_stream_starts_at_handled_offset(
    handled: HandledOffset | None, committed: Committed | None, start: int
) -> None:
    verdict = judge(state(handled, committed))
    assert (verdict.mismatch, verdict.starts) == (None, {AT: start})


def test_records_between_handled_and_foreign_commit_are_counted() -> None:
    assert judge(state(kept(50), Committed(70, THEIRS))).passed_over == {AT: 20}
    assert judge(state(kept(50), Committed(50, THEIRS))).passed_over == {}


@pytest.mark.parametrize(
    ("committed", "again"),
    [
        (None, {AT: 50}),
        (Committed(40, OURS), {AT: 50}),
        (Committed(50, OURS), {}),
        (Committed(40, THEIRS), {}),
        (Committed(70, THEIRS), {AT: 50}),
    ],
)
def test_start_that_is_not_committed_is_committed_again(
    committed: Committed | None, again: dict[TopicPartition, int]
) -> None:
    assert judge(state(kept(50), committed)).uncommitted == again


@pytest.mark.parametrize(
    ("read", "mismatch"),
    [
        (state(kept(50, log="b")), "log_replaced"),
        (state(kept(50, log="b"), Committed(70, OURS)), "log_replaced"),
        (state(kept(101)), "log_shortened"),
        (state(kept(50), Committed(51, OURS)), "database_behind"),
        (state(kept(50, disregards=60), Committed(61, OURS)), "database_behind"),
        (state(None, Committed(51, OURS)), "database_behind"),  # The database is empty.
        (state(None, Committed(51, OURS), adopts=True), "database_behind"),
    ],
)
def test_stream_with_another_log_stops(read: StreamState, mismatch: str) -> None:
    verdict = judge(read)
    assert (verdict.mismatch, verdict.partitions, verdict.starts) == (mismatch, (AT,), {})


def test_log_without_id_is_compared_by_its_end_alone() -> None:
    assert judge(state(kept(50, log=""), log="a")).mismatch is None
    assert judge(state(kept(50), log="")).mismatch is None
    assert judge(state(kept(50), log="", end=None)).mismatch is None


@pytest.mark.parametrize(
    ("read", "first"),
    [
        (state(None, Committed(70, THEIRS), adopts=True), 70),  # Of a version that kept none.
        (state(None, Committed(70, THEIRS)), 0),  # Somebody was here before the first start.
        (state(None, Committed(70, THEIRS), adopts=True, more={OTHER: kept(5)}), 0),
        (state(None, adopts=True), 0),
    ],
)
def test_partition_without_handled_offset_gets_one(read: StreamState, first: int) -> None:
    verdict = judge(read)
    assert verdict.first == {AT: kept(first)}
    assert verdict.starts == {AT: first}


def test_passed_over_before_first_start_is_read() -> None:
    assert judge(state(None, Committed(70, THEIRS))).passed_over == {AT: 70}


@pytest.mark.parametrize(
    ("read", "begin", "resumed"),
    [
        (state(kept(50, log="b"), Committed(70, OURS)), "start", kept(0, disregards=70)),
        (state(kept(101), Committed(101, OURS)), "start", kept(0, disregards=101)),
        (state(kept(50), Committed(70, OURS)), "handled", kept(50, disregards=70)),
        (state(kept(50), Committed(70, OURS)), "committed", kept(70, disregards=70)),
        (state(None, Committed(70, OURS)), "handled", kept(0, disregards=70)),
    ],
)
def test_resumed_stream_starts_where_the_operator_says(
    read: StreamState, begin: Begin, resumed: HandledOffset
) -> None:
    offsets = resume(read, judge(read), begin)
    assert offsets == {AT: resumed}
    after = judge(state(resumed, read.committed.get(AT), end=101))
    assert (after.mismatch, after.starts) == (None, {AT: resumed.next})


@pytest.mark.parametrize("begin", ["handled", "committed"])
def test_another_log_is_read_from_its_start_only(begin: Begin) -> None:
    read = state(kept(50, log="b"))
    with pytest.raises(ValueError, match="log_replaced"):
        resume(read, judge(read), begin)


def test_stream_that_goes_on_is_not_resumed() -> None:
    with pytest.raises(ValueError, match="None"):
        resume(state(kept(1)), Verdict({}, {}, {}, {}), "start")


@pytest.mark.parametrize(
    ("handled", "committed", "offset"),
    [
        (kept(50), Committed(70, OURS), 70),  # Handled, and lost from the database.
        (kept(50), Committed(70, THEIRS), 50),
        (kept(50), Committed(40, OURS), 50),
        (None, Committed(70, THEIRS), 70),  # Of a version that kept none.
        (None, None, 0),
    ],
)
def test_rebuild_folds_what_a_service_of_ours_handled(
    handled: HandledOffset | None, committed: Committed | None, offset: int
) -> None:
    by_group = {AT: committed} if committed else {}
    assert handled_by_us({AT: handled} if handled else {}, by_group, [AT]) == {AT: offset}
