"""A gateway that hangs is bounded and left alone; one message finds out that it is back."""

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
from tests.harness.delivery.toy import bench
from tests.harness.notifications.fake_peers import PERSON, FakePeers
from tests.harness.notifications.service_harness import NotificationsHarness, eventually
from tests.integration.notifications.conftest import FakeClock, settings_for

REST = timedelta(seconds=30)


class Passed:
    """Seconds that the test lets pass."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def asks(patience: CircuitBreaker, answer: Exception | None = None) -> None:
    async with patience.call():
        if answer is not None:
            raise answer


async def test_breaker_after_hang_opens_then_tries_one_message() -> None:
    passed = Passed()
    patience = CircuitBreaker(call_timeout=0.05, open_for=REST, monotonic=passed)
    with pytest.raises(RetryLater):
        async with patience.call():
            await asyncio.sleep(10)
    passed.seconds += 10
    with pytest.raises(RetryLater) as resting:
        await asks(patience)
    assert resting.value.after == timedelta(seconds=20)
    passed.seconds += 20
    async with patience.call():
        with pytest.raises(RetryLater):
            await asks(patience)  # another, while the first finds out
    await asks(patience)


@pytest.mark.parametrize("answer", [RetryLater(), PermanentFailure("refused")])
async def test_breaker_after_refusal_stays_closed(answer: Exception) -> None:
    patience = CircuitBreaker(open_for=REST)
    for _ in range(2):
        with pytest.raises(type(answer)) as said:
            await asks(patience, answer)
        assert said.value is answer


async def test_breaker_after_gateway_timeout_opens() -> None:
    patience = CircuitBreaker(open_for=REST, monotonic=Passed())
    with pytest.raises(RetryLater):
        await asks(patience, GatewayTimeout())
    with pytest.raises(RetryLater) as resting:
        await asks(patience)
    assert resting.value.after == REST


async def test_gateways_without_answer_raise_gateway_timeout(
    around: FakePeers, clock: FakeClock, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sms, "STEP_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(smtp, "STEP_TIMEOUT_SECONDS", 0.1)
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = settings_for(around, smtp_port=port, sms_url=f"http://127.0.0.1:{port}/")
    with pytest.raises(GatewayTimeout):
        await HttpTextGateway(settings, http).send_text("+447700900123", "Hello", "1")
    with pytest.raises(GatewayTimeout):
        await SmtpGateway(settings, clock).send_mail(Mail("pat@example.org", "Subject", "Body"), "1")
    for writer in held:
        writer.close()
    silent.close()


async def test_mail_is_sent_though_server_hangs_at_quit(around: FakePeers, clock: FakeClock) -> None:
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
    settings = settings_for(around, smtp_port=server.sockets[0].getsockname()[1])
    async with CircuitBreaker(call_timeout=2).call():
        await SmtpGateway(settings, clock).send_mail(Mail("pat@example.org", "Subject", "Body"), "1")
    await eventually(lambda: said == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"], 5)
    for writer in held:
        writer.close()
    server.close()


async def test_hanging_text_gateway_delays_no_other_message(
    kafka_bootstrap: str, mongo_url: str, around: FakePeers, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More texts than are sent at once; what comes due meanwhile does not wait for them."""
    monkeypatch.setattr(sms, "STEP_TIMEOUT_SECONDS", 2.0)
    around.hangs = {PERSON["telephone"]}
    async with bench(kafka_bootstrap, mongo_url, partitions=1) as made:
        place = NotificationsHarness(made, around, clock)
        async with place.running(drain_seconds=0.1):
            for _ in range(12):
                say = place.teller()
                await place.say(say, say.created(), say.booked())
            await eventually(lambda: around.count("MAIL") == 24, 20)
            say = place.teller()
            around.particular[say.referral_id] = PERSON | {"telephone": "+447700900999"}
            began = asyncio.get_running_loop().time()
            await place.say(say, say.created(), say.booked())
            await eventually(lambda: around.count("MAIL") == 26, 3)
            assert asyncio.get_running_loop().time() - began < 3
    assert around.count("POST /dev/sms") >= 8
