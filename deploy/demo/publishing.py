"""Publishes the history as a partner's own system would: as events on the locality's topics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer

from shared.contract.events.envelope import Envelope
from shared.contract.events.models import ReferralCreated
from shared.platform.kafka_connection import KafkaConnection

AT_ONCE = 250


async def publish(kafka: KafkaConnection, events: Sequence[Envelope], said: Callable[[int], None]) -> None:
    """Publishes all events, each acknowledged by the broker; `said` receives the number published.

    The later events of a referral go first and its creation last. The fold of a set is the same in any order,
    but a booking service never sees an open referral here without its meeting. Publishing again does no harm,
    as the ids are the same.
    """
    afterwards = [event for event in events if not isinstance(event.body, ReferralCreated)]
    creations = [event for event in events if isinstance(event.body, ReferralCreated)]
    producer = AIOKafkaProducer(**kafka.client_arguments(), acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        out = 0
        for part in (afterwards, creations):
            for start in range(0, len(part), AT_ONCE):
                page = part[start : start + AT_ONCE]
                await asyncio.gather(*[await _send(producer, event) for event in page])
                out += len(page)
                said(out)
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, event: Envelope) -> asyncio.Future[object]:
    sent: asyncio.Future[object] = await producer.send(
        event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
    )
    return sent
