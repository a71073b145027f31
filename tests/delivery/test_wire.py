"""What the wire may bring: every codec that Kafka clients use."""

import pytest
from aiokafka import AIOKafkaProducer

from tests.delivery.toy import Bench, created, said


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_partners_compress_can_be_read(place: Bench, codec: str) -> None:
    event = said(created(place.locality))
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap, compression_type=codec)
    await producer.start()
    await producer.send_and_wait(
        event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
    )
    await producer.stop()
    async with place.kernel().running() as kernel:
        view = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None
