"""The partitions and the retention of topics, for readers without a consumer group."""

from collections.abc import Iterable
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.platform.kafka_connection import KafkaConnection

_RETENTION: Final = "retention.ms"


async def partitions_of(kafka: KafkaConnection, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of those topics that exist.

    Raises:
        KafkaError, OSError: the broker does not answer.
    """
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        if topic["error_code"] == 0
        for partition in topic["partitions"]
    ]


async def retention_of(kafka: KafkaConnection, topics: Iterable[str]) -> dict[str, int]:
    """`retention.ms` of those of these topics that exist and that we may describe.

    Raises:
        KafkaError, OSError: the broker does not answer.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, {_RETENTION: None}) for name in topics]
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        answers = await admin.describe_configs(asked) if asked else []
    finally:
        await admin.close()
    return {
        name: int(entries[0][1])
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == 0 and entries
    }
