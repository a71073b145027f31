"""Checks of a broker, ours or another, before anything uses it."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError


async def answers(bootstrap: str) -> None:
    """Wait until a broker is in the cluster's metadata. Has no deadline of its own."""
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
        try:
            await admin.start()
            if (await admin.describe_cluster())["brokers"]:
                return
        except (KafkaError, OSError):
            pass  # Listening, but not serving yet: asked again until the caller's deadline.
        finally:
            await admin.close()
        await asyncio.sleep(0.1)
