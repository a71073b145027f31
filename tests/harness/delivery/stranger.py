"""A client that joins a service's group and knows nothing of the service."""

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.contract.events.topics import event_topics, group
from tests.harness.delivery.toy import Bench


def stranger(place: Bench) -> AIOKafkaConsumer:
    """A consumer of the locality's topics in the group of the service."""
    return AIOKafkaConsumer(
        *event_topics(place.locality),
        **place.kafka.client_arguments(),
        group_id=group(place.locality, "matching"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=[RangePartitionAssignor],
        session_timeout_ms=3000,
        heartbeat_interval_ms=500,
    )


async def commits_to_the_end(consumer: AIOKafkaConsumer) -> int:
    """Commits the end of every partition that it has; returns the number of partitions."""
    ends = await consumer.end_offsets(consumer.assignment())
    await consumer.commit(ends)
    return len(ends)
