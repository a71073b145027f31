"""Rights that are taken and given back while a service runs: nothing is lost, and others do not wait."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import TopicAuthorizationFailedError

from shared.contract.events.topics import event_topics, group, topic
from shared.delivery.kafka import instance
from shared.delivery.kafka.producer import Producer
from shared.delivery.outbox.rows import Message
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.access.declaration import Grant
from tests.harness.access.place import Place, change
from tests.harness.delivery.toy import Bench, bench, created, said

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(place: Place, mongo_url: str) -> AsyncIterator[Bench]:
    """A service's surroundings in the locality with rights, under the service's own user.

    All tests share it: a stream stops whose group is ahead of its database.
    """
    async with bench(place.kafka, mongo_url) as made:
        options = replace(made.options, kafka=place.as_user("matching"))
        yield replace(made, locality=place.here, options=options)


def of_matching(place: Place, operation: Any) -> Grant:
    return Grant("matching", "topic", "prefixed", f"{place.here}.", operation)


async def test_producer_that_was_refused_publishes_again(place: Place) -> None:
    """The same idempotent producer would fail with a sequence out of order, for ever."""
    producer = Producer(place.as_user("matching"))
    message = Message(topic(place.here, "meeting-booked"), b"key", b"value", {})
    writes = of_matching(place, "write")
    try:
        assert await producer.publish([message]) == [None]
        await change(place, [], [writes])
        (refused,) = await producer.publish([message])
        assert isinstance(refused, TopicAuthorizationFailedError)
        await change(place, [writes], [])
        assert await producer.publish([message, message]) == [None, None]
    finally:
        await producer.close()


async def test_returned_right_wakes_the_rows_that_waited(place: Place, here: Bench) -> None:
    writes = of_matching(place, "write")
    async with here.kernel().running() as kernel:
        await change(place, [], [writes])
        events = [said(created(place.here)) for _ in range(3)]
        await here.say(*events)
        rows = kernel.mongo[OUTBOX]
        while await rows.count_documents({"not_before": {"$ne": None}}) == 0:
            await asyncio.sleep(0.05)
        an_hour = datetime.now(UTC) + timedelta(hours=1)
        await rows.update_many({"not_before": {"$ne": None}}, {"$set": {"not_before": an_hour}})
        await change(place, [writes], [])
        ours = {event.body.referral_id.encode() for event in events}
        booked = await here.heard(
            topic(place.here, "meeting-booked"), 3, seconds=SOON, of=lambda record: record.key in ours
        )
        assert {record.key for record in booked} == ours


async def test_topic_without_the_right_holds_up_no_other(place: Place, here: Bench) -> None:
    reads, refused = of_matching(place, "read"), topic(place.here, "outcome-recorded")
    literal = [replace_name(reads, name) for name in event_topics(place.here) if name != refused]
    async with here.kernel().running() as kernel:
        first = said(created(place.here))
        await here.say(first)
        assert await _booked(kernel, place, first.body.referral_id)
        await change(place, literal, [reads])
        for _ in range(3):
            later = said(created(place.here))
            await here.say(later)
            assert await _booked(kernel, place, later.body.referral_id)
        assert kernel.live()
        await change(place, [reads], literal)


def replace_name(grant: Grant, name: str) -> Grant:
    """The same right on one topic by its whole name."""
    return grant._replace(pattern="literal", name=name)


async def _booked(kernel: Any, place: Place, referral: str) -> bool:
    found = await kernel.wait_for(place.here, referral, lambda view: view["meetings"] == 1, SOON)
    return found is not None


async def test_service_evicts_its_predecessor_with_its_own_rights(place: Place) -> None:
    mine, name = place.as_user("matching"), instance.client_id("matching", place.here, "one")
    member = AIOKafkaConsumer(
        *event_topics(place.here),
        **mine.client_arguments(),
        group_id=group(place.here, "matching"),
        client_id=name,
    )
    await member.start()
    try:
        assert await instance._evict(mine, {group(place.here, "matching"): name}) == 1
    finally:
        await member.stop()
