"""Publishes the history as a partner's own system would: events, straight to the locality's topics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer

from shared.contract.events.envelope import Envelope
from shared.contract.events.models import ReferralCreated

AT_ONCE = 250


async def publish(bootstrap: str, events: Sequence[Envelope], said: Callable[[int], None]) -> None:
    """Publishes all, each acknowledged by the broker; `said` is told how many are out.

    What came of a referral goes first and its creation last. Readers fold a set, so any order ends alike; but
    whoever arranges meetings for open referrals then never sees one of these without the meeting it had.
    Publishing again does no harm: the ids are the same.
    """
    afterwards = [event for event in events if not isinstance(event.body, ReferralCreated)]
    creations = [event for event in events if isinstance(event.body, ReferralCreated)]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5)
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
