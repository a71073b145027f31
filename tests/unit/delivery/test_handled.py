"""Handled offsets as the database keeps them."""

from typing import cast

from aiokafka import TopicPartition

from shared.delivery.mongo.database import Mongo
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import HandledOffset
from tests.harness.delivery.memory import Memory, Stored

AT, OTHER = TopicPartition("meir.referral-created.v1", 0), TopicPartition("meir.referral-created.v1", 1)


async def goes_on(_: str) -> None:
    """Every operation takes place."""


def handled_offsets() -> HandledOffsets:
    return HandledOffsets(cast("Mongo", Memory(Stored(), goes_on, None)), "meir")


async def test_offset_of_a_process_that_slept_changes_nothing() -> None:
    handled = handled_offsets()
    await handled.add({AT: HandledOffset("a", 7)})
    assert await handled.advance({AT: 9}, {AT: "a"})
    assert await handled.advance({AT: 8}, {AT: "a"})
    assert await handled.read() == {AT: HandledOffset("a", 9)}


async def test_offset_of_a_replaced_log_is_refused() -> None:
    handled = handled_offsets()
    await handled.replace({AT: HandledOffset("b", 0, 70), OTHER: HandledOffset("b", 0)})
    assert not await handled.advance({AT: 70, OTHER: 5}, {AT: "a", OTHER: "b"})
    assert await handled.read() == {AT: HandledOffset("b", 0, 70), OTHER: HandledOffset("b", 5)}


async def test_partition_without_a_row_is_not_advanced() -> None:
    handled = handled_offsets()
    assert not await handled.advance({AT: 1}, {})
    assert not await handled.advance({AT: 1}, {AT: "a"})
    assert await handled.read() == {}


async def test_rebuild_raises_offsets_and_adds_missing_ones() -> None:
    handled = handled_offsets()
    await handled.add({AT: HandledOffset("a", 7, 70)})
    await handled.catch_up({AT: HandledOffset("a", 5), OTHER: HandledOffset("a", 3)})
    assert await handled.read() == {AT: HandledOffset("a", 7, 70), OTHER: HandledOffset("a", 3)}
    await handled.catch_up({AT: HandledOffset("a", 9)})
    assert (await handled.read())[AT] == HandledOffset("a", 9, 70)
