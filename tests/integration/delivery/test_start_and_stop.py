"""Starting before broker or database, stopping in the midst of it: nothing lost, nothing left behind."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextvars import ContextVar
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo.errors import OperationFailure

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from shared.contract.events.topics import dead_letter_topic, event_topics, topic
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import ForeignDatabase
from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.rebuild.generations import GENERATIONS, LIVE, owner_of
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, REFERRALS
from tests.harness.delivery.toy import NOW, TOY, Bench, created, said

_begun_here: ContextVar[bool] = ContextVar("begun_here", default=False)


@pytest_asyncio.fixture
async def begun() -> AsyncIterator[WeakSet["asyncio.Task[Any]"]]:
    """The tasks that this test begins, itself or through its kernel; those of other tests may run too."""
    tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()

    def factory(
        loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=loop, **options)
        if _begun_here.get():
            tasks.add(task)
        return task

    loop.set_task_factory(factory)  # type: ignore[arg-type]  # typeshed wants a generic callable
    try:
        yield tasks
    finally:
        loop.set_task_factory(before)


async def left_behind(begun: WeakSet["asyncio.Task[Any]"]) -> list[str]:
    """Those that still run some seconds later."""
    for _ in range(100):
        left = [repr(task) for task in begun if not task.done() and task is not asyncio.current_task()]
        if not left:
            return []
        await asyncio.sleep(0.1)
    return left


async def test_decision_with_broker_away_is_published_later(
    place: Bench, own_kafka: Kafka, begun: WeakSet["asyncio.Task[Any]"]
) -> None:
    """Start without a broker, work, get one, lose it, stop without it: in bounded time, with nothing left."""
    _begun_here.set(True)
    body = created(place.locality)

    def open_it(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision([body])

    away = replace(place, kafka=own_kafka.connection)
    away.options = replace(place.options, kafka=own_kafka.connection, drain_seconds=2.0)
    kernel = away.kernel()
    await asyncio.wait_for(kernel.start(), 10)
    done = await kernel.command(place.locality, body.referral_id, open_it)
    assert [fact.kind for fact in done.facts] == ["referral_created", "meeting_booked"]
    ready, detail = await kernel.ready()
    assert ready
    assert detail["streams"][place.locality]["state"] == "starting"
    assert kernel.live()

    await own_kafka.start()
    admin = AIOKafkaAdminClient(**own_kafka.connection.client_arguments())
    await admin.start()
    names = [*event_topics(place.locality), dead_letter_topic("matching")]
    await admin.create_topics([NewTopic(name, 1, 1) for name in names])
    await admin.close()
    booked = await away.heard(topic(place.locality, "meeting-booked"), 1, seconds=60)
    assert len({dict(record.headers)["ce_id"] for record in booked}) == 1
    for _ in range(300):
        _, detail = await kernel.ready()
        if detail["streams"][place.locality]["partitions"] == 3:
            break
        await asyncio.sleep(0.1)
    assert detail["streams"][place.locality]["partitions"] == 3

    await own_kafka.stop()
    other = created(place.locality)
    await kernel.command(place.locality, other.referral_id, lambda *_: Decision([other]))
    began = time.monotonic()
    await kernel.stop()
    assert time.monotonic() - began < 30
    assert await left_behind(begun) == []
    still = place.kernel()
    assert await still.mongo[OUTBOX].count_documents({}) > 0, "what could not be published is gone"
    await still.mongo.close()


async def test_stop_while_consumers_start_leaves_nothing(
    place: Bench, begun: WeakSet["asyncio.Task[Any]"]
) -> None:
    _begun_here.set(True)
    for pause in (0.0, 0.01, 0.05, 0.2):
        kernel = place.kernel()
        await kernel.start()
        await asyncio.sleep(pause)
        await asyncio.wait_for(kernel.stop(), 20)
    assert await left_behind(begun) == []


async def test_start_with_database_away_waits(place: Bench) -> None:
    port = free_port()
    kernel = place.kernel(mongo_url=f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=200")
    starting = asyncio.create_task(kernel.start())
    await asyncio.sleep(1.5)
    assert not starting.done()
    assert not (await kernel.ready())[0]
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await kernel.stop()


async def test_start_with_refusing_database_fails(place: Bench) -> None:
    """Waiting does not mend an index that contradicts another, or a wrong password."""
    kernel = place.kernel()
    await kernel.mongo[REFERRALS].create_index([("fold", 1), ("locality", 1), ("rules", 1)], unique=True)
    with pytest.raises(OperationFailure):
        await asyncio.wait_for(kernel.start(), 10)
    await kernel.stop()


async def whole(mongo: Mongo) -> dict[str, list[Document]]:
    """All that lies in a database."""
    names = await mongo.database.list_collection_names()
    return {name: [dict(row) async for row in mongo.database[name].find().sort("_id", 1)] for name in names}


async def test_start_on_foreign_database_writes_nothing(place: Bench) -> None:
    """Not even what whoever looks first has to do: open again what somebody who died had closed."""
    async with place.kernel().running() as ours:
        live = {"_id": LIVE, "number": 1, "epoch": 1, "state": "closing", "kept": None, "marks": []}
        await ours.mongo[GENERATIONS].insert_one(live | {"until": NOW})
    mongo = Mongo(place.mongo_url, place.options.database)
    before = await whole(mongo)
    theirs = place.kernel(replace(TOY, name="evaluation", derived=("sums",)))
    with pytest.raises(ForeignDatabase) as refused:
        await asyncio.wait_for(theirs.start(), 10)
    await theirs.stop()
    assert str(refused.value).startswith(
        f"The database {place.options.database} is that of matching, and evaluation was started on it: "
    )
    assert await whole(mongo) == before
    async with place.kernel().running():
        assert await owner_of(mongo) == "matching"
    await mongo.close()


async def test_unclaimed_database_belongs_to_first_service(
    place: Bench,
) -> None:
    """As an earlier build leaves it; two may start at the same moment."""
    async with place.kernel().running() as kernel:
        await kernel.mongo[GENERATIONS].delete_many({})
    kernels = [place.kernel(replace(TOY, name=name)) for name in ("matching", "evaluation")]
    ended = await asyncio.gather(*(kernel.start() for kernel in kernels), return_exceptions=True)
    await asyncio.gather(*(kernel.stop() for kernel in kernels))
    assert {type(each) for each in ended} == {type(None), ForeignDatabase}
    mongo = Mongo(place.mongo_url, place.options.database)
    assert await owner_of(mongo) == kernels[ended.index(None)].definition.name
    await mongo.close()


async def test_record_in_hand_at_stop_is_handled_by_next_process(place: Bench) -> None:
    """Stopped between the transaction and the commit, or in the midst of it: once, whichever it was."""
    events = [said(created(place.locality)) for _ in range(40)]

    async def feed() -> None:
        for event in events:
            await place.say(event)

    feeding = asyncio.create_task(feed())
    for _ in range(4):
        kernel: Kernel[ReferralHistory, None] = place.kernel(drain_seconds=0.01)
        await kernel.start()
        await asyncio.sleep(0.3)
        await kernel.stop()
    await feeding
    async with place.kernel().running():
        booked = await place.heard(topic(place.locality, "meeting-booked"), 40, seconds=20)
    assert len({dict(record.headers)["ce_id"] for record in booked}) == 40
    assert len({record.key for record in booked}) == 40
