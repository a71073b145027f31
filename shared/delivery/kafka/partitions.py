"""The partitions of topics, for readers without a consumer group."""

from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.platform.kafka_connection import KafkaConnection


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
