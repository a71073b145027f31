"""The rights of a user on a broker, tried by single requests whose answers alone are read.

A request that is allowed does nothing that another would notice: it reads one record, writes one, deletes the
records before the first, checks a change without making it, asks to join a group without joining.
"""

import time
from collections.abc import Mapping
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import (
    AlterConfigsRequest_v1,
    DeleteGroupsRequest_v1,
    DeleteRecordsRequest_v1,
    DeleteTopicsRequest_v3,
)
from aiokafka.protocol.commit import OffsetCommitRequest_v3
from aiokafka.protocol.fetch import FetchRequest_v4
from aiokafka.protocol.group import JoinGroupRequest_v5
from aiokafka.protocol.produce import ProduceRequest_v3
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.platform.access.declaration import Declaration
from shared.platform.access.wire import Prepared
from shared.platform.kafka_connection import KafkaConnection

_NO_TOPIC_RIGHT: Final = 29
_NO_GROUP_RIGHT: Final = 30
# Rights that a broker infers from another right.
_IMPLIES: Final[Mapping[str, tuple[str, ...]]] = {"describe": ("read", "write", "delete", "alter")}


def may(declared: Declaration, user: str, operation: str, resource: str, name: str) -> bool:
    """True if the declaration lets the user do it."""
    wanted = {operation, "all", *_IMPLIES.get(operation, ())}
    return any(
        grant.user == user
        and grant.resource == resource
        and grant.operation in wanted
        and (grant.name in (name, "*") or (grant.pattern == "prefixed" and name.startswith(grant.name)))
        for grant in declared.grants
    )


class Attempts:
    """One user's connection. Each method tells whether the broker allowed it."""

    def __init__(self, kafka: KafkaConnection, broker: int) -> None:
        self._admin: Any = AIOKafkaAdminClient(**kafka.client_arguments())
        self._broker = broker

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def _ask(self, struct: Any) -> Any:
        return await self._admin._send_request(Prepared(struct), self._broker)

    async def topics(self) -> set[str]:
        """The topics that the broker shows to the user."""
        return set(await self._admin.list_topics())

    async def read(self, topic: str) -> bool:
        answer = await self._ask(FetchRequest_v4(-1, 0, 0, 1_000_000, 0, [(topic, [(0, 0, 1000)])]))
        return _topic(answer.topics[0][1][0][1])

    async def write(self, topic: str) -> bool:
        batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1000)
        batch.append(0, int(time.time() * 1000), b"key", b"forged", [])
        answer = await self._ask(ProduceRequest_v3(None, -1, 5000, [(topic, [(0, bytes(batch.build()))])]))
        return _topic(answer.topics[0][1][0][1])

    async def delete_records(self, topic: str) -> bool:
        answer = await self._ask(DeleteRecordsRequest_v1([(topic, [(0, 0)])], 5000))
        return _topic(answer.topics[0][1][0][2])

    async def alter(self, topic: str) -> bool:
        change = (2, topic, [("retention.ms", "1000")])
        answer = await self._ask(AlterConfigsRequest_v1([change], True))
        return _topic(answer.resources[0][0])

    async def delete(self, topic: str) -> bool:
        """Deletes the topic, if it may."""
        answer = await self._ask(DeleteTopicsRequest_v3([topic], 5000))
        return _topic(answer.topic_error_codes[0][1])

    async def join(self, group: str) -> bool:
        answer = await self._ask(
            JoinGroupRequest_v5(group, 6000, 6000, "", None, "consumer", [("range", b"")])
        )
        return _group(answer.error_code)

    async def commit(self, group: str, topic: str) -> bool:
        answer = await self._ask(OffsetCommitRequest_v3(group, -1, "", -1, [(topic, [(0, 1, "")])]))
        code = answer.topics[0][1][0][1]
        return _group(code) and _topic(code)

    async def delete_group(self, group: str) -> bool:
        answer = await self._ask(DeleteGroupsRequest_v1([group]))
        return _group(answer.results[0][1])


def _topic(code: int) -> bool:
    return code != _NO_TOPIC_RIGHT


def _group(code: int) -> bool:
    return code != _NO_GROUP_RIGHT
