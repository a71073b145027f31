"""Checks of a broker, ours or a given one, before the run uses it."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.platform.kafka_connection import KafkaConnection


async def answers(kafka: KafkaConnection) -> None:
    """Waits until a broker is in the cluster's metadata. Has no deadline of its own."""
    while not await answers_once(kafka):
        await asyncio.sleep(0.1)


async def answers_once(kafka: KafkaConnection) -> bool:
    """Tests whether a broker accepts this user and is in the cluster's metadata."""
    admin = AIOKafkaAdminClient(**kafka.client_arguments(), request_timeout_ms=5_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False  # Listening, but not serving yet.
    finally:
        await admin.close()
