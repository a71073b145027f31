"""The standing of a part: when it has ended by the table, and when the part may be taken over."""

import pytest
from aiokafka import TopicPartition

from shared.contract.events.topics import event_topics
from shared.delivery.offsets.verdict import HandledOffset
from shared.delivery.ownership.standing import (
    Standing,
    TableOwner,
    agrees,
    comes_back,
    has_passed,
    names_of,
    slot_id,
)
from shared.platform.localities import OURS

TOPICS = event_topics("meir")
PLACES = [TopicPartition(name, number) for name in TOPICS for number in range(2)]


@pytest.mark.parametrize(
    ("epoch", "owner", "by_table", "ends", "back"),
    [
        (0, OURS, 0, False, False),
        (0, "partner", 0, True, False),
        (0, "partner", 1, True, False),
        (0, OURS, 2, True, True),
        (2, OURS, 2, False, False),
        # The database has it from a process that has read a later version of the table.
        (2, "partner", 1, False, False),
        (2, OURS, 0, False, False),
    ],
)
def test_table_ends_and_returns_standings(
    epoch: int, owner: str, by_table: int, ends: bool, back: bool
) -> None:
    standing, table = Standing(epoch), TableOwner(owner, by_table)
    assert (not agrees(standing, table), comes_back(standing, table)) == (ends, back)


def handled() -> dict[TopicPartition, HandledOffset]:
    return {at: HandledOffset("log", 10) for at in PLACES}


def test_markers_in_every_partition_are_passed() -> None:
    assert has_passed(TOPICS, handled(), dict.fromkeys(PLACES, 9))


@pytest.mark.parametrize("missing", PLACES, ids=str)
def test_part_waits_for_the_marker_of_each_partition(missing: TopicPartition) -> None:
    markers = {at: 9 for at in PLACES if at != missing}
    assert not has_passed(TOPICS, handled(), markers)


@pytest.mark.parametrize("behind", PLACES, ids=str)
def test_part_waits_for_facts_before_each_marker(behind: TopicPartition) -> None:
    """A marker is stored before the facts of its batch."""
    reached = handled() | {behind: HandledOffset("log", 9)}
    assert not has_passed(TOPICS, reached, dict.fromkeys(PLACES, 9))


def test_part_waits_for_a_topic_that_was_never_read() -> None:
    known = {at: offset for at, offset in handled().items() if at.topic != TOPICS[2]}
    assert not has_passed(TOPICS, known, dict.fromkeys(PLACES, 9))
    assert not has_passed(TOPICS, {}, {})


def test_offsets_of_other_topics_are_left_out() -> None:
    other = {TopicPartition("elsewhere.meeting-booked.v1", 0): HandledOffset("log", 1)}
    assert has_passed(TOPICS, handled() | other, dict.fromkeys(PLACES, 9))


def test_part_speaks_by_its_source_and_the_former_one() -> None:
    assert set(names_of("booking")) == {"booking", "matching"}
    assert names_of("referral") == ["referral"]


def test_slot_belongs_to_part_process_and_number() -> None:
    assert slot_id(("meir", "booking"), "lane", 3) == "meir/booking/lane/3"
