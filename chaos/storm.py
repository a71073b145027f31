"""Replicas that join and leave every second. Each receives partitions, processes nothing and leaves."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from chaos.log import topics_of
from shared.platform.kafka_connection import KafkaConnection


async def storm(kafka: KafkaConnection, service: str, localities: Sequence[str], seconds: float) -> None:
    """Adds a member to each of the service's groups, removes it a second later, and repeats for `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.gather(*(_join_and_leave(kafka, service, locality) for locality in localities))


async def _join_and_leave(kafka: KafkaConnection, service: str, locality: str) -> None:
    member = AIOKafkaConsumer(
        *topics_of([locality]),
        **kafka.client_arguments(),
        group_id=f"{locality}.{service}",
        enable_auto_commit=False,
        partition_assignment_strategy=[RangePartitionAssignor],
        session_timeout_ms=3000,
        heartbeat_interval_ms=500,
    )
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(member.start(), 5)
        await asyncio.sleep(1)
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(member.stop(), 5)
