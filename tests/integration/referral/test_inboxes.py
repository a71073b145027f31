"""Members of the group of admission on a real broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.referral.partners.inboxes import Inboxes
from shared.contract.events.topics import inbox_topic
from shared.delivery.options import Options
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import locality_name


@asynccontextmanager
async def member(kafka: KafkaConnection, source: str) -> AsyncIterator[Inboxes]:
    async def given_up() -> None:
        return

    inboxes = Inboxes(Options(kafka, "mongodb://nowhere", "none", b"key"), given_up, lambda: None)
    await inboxes.open()
    inboxes.subscribe([source])

    async def poll() -> None:
        while True:
            await inboxes.poll(1.0)

    polling = asyncio.create_task(poll())
    async with asyncio.timeout(30):
        while not inboxes.partitions:
            await asyncio.sleep(0.05)
    yield inboxes
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    await inboxes.close()


def generation(inboxes: Inboxes) -> int:
    """The number of times that the group has joined, as this member knows it."""
    consumer = inboxes._consumer
    assert consumer is not None
    return int(consumer._coordinator.generation)


async def test_second_member_makes_the_group_join_once(kafka: KafkaConnection) -> None:
    """Of members that join more often, each may end the join of the other, without an end."""
    sources = [f"/{locality_name()}/hub" for _ in range(2)]
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    await admin.create_topics([NewTopic(inbox_topic(source), 1, 1) for source in sources])
    await admin.close()
    async with member(kafka, sources[0]) as one:
        before = generation(one)
        async with member(kafka, sources[1]) as other:
            async with asyncio.timeout(30):
                while generation(one) != generation(other) or not one.partitions:
                    await asyncio.sleep(0.05)
            assert generation(other) == before + 1
