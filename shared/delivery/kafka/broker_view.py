"""Reads topics and committed offsets from the broker, without joining a group."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.delivery.kafka.metadata_request import DescribeTopics
from shared.delivery.offsets.verdict import OUR_MARK, Committed, TopicState
from shared.platform.kafka_connection import KafkaConnection

# A cut connection answers nothing, and meanwhile the gates of all localities stay shut.
_ANSWER_SECONDS: Final = 3.0
# The broker answers a connection's questions one by one. If all localities of a large process ask at once,
# the last ones time out, which closes the connection for all.
_ASKS_AT_ONCE: Final = 8
T = TypeVar("T")


class BrokerView:
    """One connection for all looks of a process. An error closes it; the next look connects again."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._admin: AIOKafkaAdminClient | None = None
        self._starting = asyncio.Lock()
        self._asks = asyncio.Semaphore(_ASKS_AT_ONCE)

    async def topics(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Those of these topics that exist and that this client may read.

        Raises:
            KafkaError, OSError, TimeoutError: the broker does not answer.
        """

        async def ask(admin: AIOKafkaAdminClient) -> Any:
            return await admin._send_request(DescribeTopics(names))  # noqa: SLF001  # no other way

        answer = (await self._asked(ask)).to_object()
        return {
            topic["topic"]: TopicState(
                topic.get("topic_id", b"").hex(),
                tuple(sorted(each["partition"] for each in topic["partitions"])),
            )
            for topic in answer["topics"]
            if topic["partitions"]
        }

    async def committed(self, group: str) -> Mapping[TopicPartition, Committed]:
        """The committed offsets of a group.

        Raises:
            KafkaError, OSError, TimeoutError: the broker does not answer.
        """

        async def ask(admin: AIOKafkaAdminClient) -> Mapping[TopicPartition, Committed]:
            offsets = await admin.list_consumer_group_offsets(group)
            return {
                at: Committed(kept.offset, kept.metadata == OUR_MARK)
                for at, kept in offsets.items()
                if kept.offset >= 0
            }

        return await self._asked(ask)

    async def close(self) -> None:
        """Closes the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def _asked(self, ask: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
        async with self._asks:  # The time runs from its turn on.
            return await self._asked_in_turn(ask)

    async def _asked_in_turn(self, ask: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
        admin: AIOKafkaAdminClient | None = None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                admin = await self._connected()
                return await ask(admin)
        except Exception:
            # Another look may have connected again by now: its connection stays.
            if admin is not None and admin is self._admin:
                await self.close()
            raise

    async def _connected(self) -> AIOKafkaAdminClient:
        async with self._starting:
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._kafka.client_arguments())
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            return self._admin
