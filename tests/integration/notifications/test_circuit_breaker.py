"""The circuit breaker stops calls of a gateway that hangs, and tries it with one message."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from services.notifications.channels import sms, smtp
from services.notifications.channels.circuit_breaker import CircuitBreaker
from services.notifications.channels.gateway import GatewayTimeout, Mail
from services.notifications.channels.sms import HttpTextGateway
from services.notifications.channels.smtp import SmtpGateway
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import bench
from tests.harness.notifications.fake_peers import PERSON, FakePeers
from tests.harness.notifications.service_harness import (
    FakeClock,
    NotificationsHarness,
    eventually,
    settings_for,
)

OPEN_FOR = timedelta(seconds=30)


class FakeMonotonic:
    """A monotonic clock that the test moves."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def call(breaker: CircuitBreaker, answer: Exception | None = None) -> None:
    async with breaker.call():
        if answer is not None:
            raise answer


async def test_breaker_after_hang_opens_then_tries_one_message() -> None:
    monotonic = FakeMonotonic()
    breaker = CircuitBreaker(call_timeout=0.05, open_for=OPEN_FOR, monotonic=monotonic)
    with pytest.raises(RetryLater):
        async with breaker.call():
            await asyncio.sleep(10)
    monotonic.seconds += 10
    with pytest.raises(RetryLater) as resting:
        await call(breaker)
    assert resting.value.after == timedelta(seconds=20)
    monotonic.seconds += 20
    async with breaker.call():
        with pytest.raises(RetryLater):
            await call(breaker)  # another message, while the first tries
    await call(breaker)


@pytest.mark.parametrize("answer", [RetryLater(), PermanentFailure("refused")])
async def test_breaker_after_refusal_stays_closed(answer: Exception) -> None:
    breaker = CircuitBreaker(open_for=OPEN_FOR)
    for _ in range(2):
        with pytest.raises(type(answer)) as said:
            await call(breaker, answer)
        assert said.value is answer


async def test_breaker_after_gateway_timeout_opens() -> None:
    breaker = CircuitBreaker(open_for=OPEN_FOR, monotonic=FakeMonotonic())
    with pytest.raises(RetryLater):
        await call(breaker, GatewayTimeout())
    with pytest.raises(RetryLater) as resting:
        await call(breaker)
    assert resting.value.after == OPEN_FOR


async def test_gateways_without_answer_raise_gateway_timeout(
    peers: FakePeers, clock: FakeClock, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sms, "STEP_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(smtp, "STEP_TIMEOUT_SECONDS", 0.1)
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = settings_for(peers, smtp_port=port, sms_url=f"http://127.0.0.1:{port}/")
    with pytest.raises(GatewayTimeout):
        await HttpTextGateway(settings, http).send_text("+447700900123", "Hello", "1")
    with pytest.raises(GatewayTimeout):
        await SmtpGateway(settings, clock).send_mail(Mail("pat@example.org", "Subject", "Body"), "1")
    for writer in held:
        writer.close()
    silent.close()


async def test_mail_is_sent_though_server_hangs_at_quit(peers: FakePeers, clock: FakeClock) -> None:
    said: list[str] = []
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            said.append(line.partition(" ")[0])
            if line == "QUIT":
                return  # and never a word more
            if line == "DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 yes\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings = settings_for(peers, smtp_port=server.sockets[0].getsockname()[1])
    async with CircuitBreaker(call_timeout=2).call():
        await SmtpGateway(settings, clock).send_mail(Mail("pat@example.org", "Subject", "Body"), "1")
    await eventually(lambda: said == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"], 5)
    for writer in held:
        writer.close()
    server.close()


async def test_hanging_text_gateway_delays_no_other_message(
    kafka: KafkaConnection,
    mongo_url: str,
    peers: FakePeers,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More texts hang than are sent at once. A later message does not wait for them."""
    monkeypatch.setattr(sms, "STEP_TIMEOUT_SECONDS", 2.0)
    peers.hangs = {PERSON["telephone"]}
    async with bench(kafka, mongo_url, partitions=1) as made:
        harness = NotificationsHarness(made, peers, clock)
        async with harness.running(drain_seconds=0.1):
            for _ in range(12):
                referral = harness.referral()
                await harness.publish(referral, referral.created(), referral.booked())
            await eventually(lambda: peers.count("MAIL") == 24, 20)
            referral = harness.referral()
            peers.particular[referral.referral_id] = PERSON | {"telephone": "+447700900999"}
            began = asyncio.get_running_loop().time()
            await harness.publish(referral, referral.created(), referral.booked())
            await eventually(lambda: peers.count("MAIL") == 26, 3)
            assert asyncio.get_running_loop().time() - began < 3
    assert peers.count("POST /dev/sms") >= 8
