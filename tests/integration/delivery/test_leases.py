"""A process counts its leases by its own clock, from before the request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from shared.delivery.kafka.producer import Producer
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import LEASES, Leases
from shared.delivery.mongo.shares import SharedLeases
from shared.delivery.outbox.rows import Message
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import NOW, Bench
from tests.integration.delivery.test_outbox import message


@pytest_asyncio.fixture
async def mongo(place: Bench) -> AsyncIterator[Mongo]:
    connection = Mongo(place.mongo_url, place.options.database)
    yield connection
    await connection.close()


async def test_lease_not_renewed_in_time_is_not_held(mongo: Mongo) -> None:
    """Nobody else has taken it, and nobody has said so: the process slept."""
    leases = Leases(mongo, "this process", seconds=2.0)
    assert await leases.take("lane/this")
    assert leases.held("lane/this")
    await asyncio.sleep(2.0)
    assert not leases.held("lane/this")


@pytest.mark.parametrize("how", ["take", "renew", "succeed"])
async def test_lease_counts_time_of_slow_answer(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The database says yes and the process hears of it when the lease is over."""
    leases = Leases(mongo, "this process", seconds=1.0)
    assert await leases.take("instance/this")
    asked = type(mongo[LEASES])

    def late(name: str) -> None:
        real = getattr(asked, name)

        async def answer(self: Any, *args: Any, **options: Any) -> Any:
            done = await real(self, *args, **options)
            await asyncio.sleep(1.0)
            return done

        monkeypatch.setattr(asked, name, answer)

    for name in ("find_one_and_update", "update_many", "update_one"):
        late(name)
    await {"take": leases.take, "renew": lambda name: leases.renew([name]), "succeed": _succeed(leases)}[how](
        "instance/this"
    )
    assert not leases.held("instance/this")


def _succeed(leases: Leases) -> Any:
    return lambda name: leases.take_over(name.removeprefix("instance/"))


async def test_renewing_takes_only_leases_that_others_leave(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another's leases it asks once for all, so that a replica at rest writes nothing."""
    other, leases = (Leases(mongo, name, seconds=30.0) for name in ("another process", "this process"))
    names = ["booking/here", "booking/there", "booking/elsewhere"]
    await other.renew(names[:2])
    await leases.renew(names)
    assert [leases.held(name) for name in names] == [False, False, True]
    tried: list[str] = []

    async def take(self: Leases, name: str) -> bool:
        tried.append(name)
        return False

    with monkeypatch.context() as patched:
        patched.setattr(Leases, "take", take)
        await leases.renew(names)
    assert tried == []
    await other.release(names[:1])
    await leases.renew(names)
    assert [leases.held(name) for name in names] == [True, False, True]


async def test_lease_taken_by_another_is_no_longer_held(mongo: Mongo) -> None:
    leases = Leases(mongo, "this process", seconds=30.0)
    names = ["booking/here", "booking/there"]
    await leases.renew(names)
    taken = {"$set": {"holder": "another process"}}
    await mongo[LEASES].update_many({"_id": {"$in": names}}, taken)
    await leases.renew(names)
    assert not any(leases.held(name) for name in names)


async def test_many_leases_are_taken_together(mongo: Mongo) -> None:
    """Those that another process holds stay its own, and those that lapsed are free."""
    other, leases = (Leases(mongo, name, seconds=30.0) for name in ("another process", "this process"))
    names = [f"booking/{number}" for number in range(20)]
    await other.renew(names[:10])
    lapsed = {"$set": {"until": datetime.fromtimestamp(1, UTC)}}
    await mongo[LEASES].update_many({"_id": {"$in": names[:5]}}, lapsed)
    await leases.renew(names)
    assert [leases.held(name) for name in names] == [True] * 5 + [False] * 5 + [True] * 10
    await other.renew(names)
    assert [other.held(name) for name in names] == [False] * 5 + [True] * 5 + [False] * 10


async def test_processes_share_leases_as_they_come_and_go(mongo: Mongo) -> None:
    names = [f"booking/{number}" for number in range(20)]
    one, two = (Leases(mongo, name, seconds=30.0) for name in ("one", "two"))
    shared = {leases: SharedLeases(leases, name) for leases, name in ((one, "one"), (two, "two"))}

    async def look(leases: Leases) -> list[bool]:
        await leases.renew(await shared[leases].wanted(names))
        return [leases.held(name) for name in names]

    assert all(await look(one))
    assert not any(await look(two)), "the first one still holds all"
    left = await look(one)  # It gives the other one its share,
    taken = await look(two)  # which has it from its next look on.
    assert [here != there for here, there in zip(left, taken, strict=True)] == [True] * 20
    assert any(left)
    assert any(taken)
    await two.release()
    assert all(await look(one))


async def test_process_of_other_localities_takes_no_share(mongo: Mongo) -> None:
    """It would never take the leases of localities that it does not serve."""
    here, there = [[f"{place}/{number}" for number in range(20)] for place in ("here", "there")]
    one, two = (Leases(mongo, name, seconds=30.0) for name in ("one", "two"))
    for leases, name, names in ((one, "one", here), (two, "two", there)):
        shared = SharedLeases(leases, name)
        for _ in range(2):
            await leases.renew(await shared.wanted(names))
        assert all(leases.held(name) for name in names)


class Sleeping(Producer):
    """Publishes nothing and says that all was taken; the process sleeps the while."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection("nowhere:1"))
        self.pages: list[int] = []

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        self.pages.append(len(messages))
        await asyncio.sleep(2.0)
        return [None] * len(messages)


async def test_process_after_lost_lease_stops_publishing_foreign_lane(place: Bench) -> None:
    kernel = place.kernel(lease_seconds=2.0)
    rows = [{"_id": new_id(), "lane": "dead", "at": NOW, "m": [message(place).stored()]} for _ in range(50)]
    await kernel.mongo[OUTBOX].insert_many(rows)
    relay = kernel._relay
    relay._swept = sleeping = Sleeping()
    await relay._sweep_lane("dead")
    assert sleeping.pages == [20]
    assert await kernel.mongo[OUTBOX].count_documents({}) == 30
    await kernel.mongo.close()
