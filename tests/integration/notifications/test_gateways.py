"""Mail and texts over real sockets: arrival and refusal."""

import asyncio
from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.notifications.channels.gateway import Mail
from services.notifications.channels.sms import HttpTextGateway
from services.notifications.channels.smtp import SmtpGateway
from shared.delivery.model.errors import PermanentFailure, RetryLater
from tests.harness.notifications.fake_peers import FakePeers
from tests.harness.notifications.service_harness import FakeClock, settings_for
from tests.harness.web.production import MORE, PRODUCTION

MAIL = Mail("pat.example@example.org", "Your appointment", "It is at the surgery – 2:30pm.\n")


async def test_mail_arrives_with_its_permanent_message_id(peers: FakePeers, clock: FakeClock) -> None:
    gateway = SmtpGateway(settings_for(peers, mail_from="appointments@example.org"), clock)
    assert await gateway.send_mail(MAIL, "0123abcd") == "<0123abcd@example.org>"
    (sent,) = peers.sent("email")
    assert (sent.to, sent.subject, sent.text) == (MAIL.to, MAIL.subject, MAIL.body.strip())
    assert sent.reference.startswith("<0123abcd@example.org>")


async def test_mail_sent_twice_has_one_message_id_and_is_kept_once(
    peers: FakePeers, clock: FakeClock
) -> None:
    gateway = SmtpGateway(settings_for(peers), clock)
    await gateway.send_mail(MAIL, "0123abcd")
    await gateway.send_mail(MAIL, "0123abcd")
    assert peers.count("MAIL") == 2
    assert len(peers.sent("email")) == 1


async def test_mail_headers_say_auto_generated(clock: FakeClock) -> None:
    class Keeping:
        content = b""

        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
            self.content = envelope.original_content or b""
            return "250 kept"

    keeping = Keeping()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeping), host="127.0.0.1", port=0)
    peers = FakePeers.__new__(FakePeers)
    peers.address, peers.smtp_port = "", server.sockets[0].getsockname()[1]
    await SmtpGateway(settings_for(peers), clock).send_mail(MAIL, "1")
    server.close()
    arrived = message_from_bytes(keeping.content, policy=default)
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Date"] == "Tue, 24 Nov 2026 14:00:00 +0000"
    assert arrived.get_content_type() == "text/plain"


@pytest.mark.parametrize("to", ["nobody@example.org", "not an address", "two\nlines@example.org"])
async def test_mail_to_refused_address_is_given_up(peers: FakePeers, clock: FakeClock, to: str) -> None:
    gateway = SmtpGateway(settings_for(peers), clock)
    with pytest.raises(PermanentFailure) as given_up:
        await gateway.send_mail(Mail(to, "Subject", "Body"), "1")
    assert given_up.value.code == "address_refused"
    assert to not in str(given_up.value)
    assert given_up.value.__cause__ is None


async def test_mail_to_busy_address_is_retried(peers: FakePeers, clock: FakeClock) -> None:
    gateway = SmtpGateway(settings_for(peers), clock)
    with pytest.raises(RetryLater):
        await gateway.send_mail(Mail("later@example.org", "Subject", "Body"), "1")


async def test_mail_to_unavailable_server_is_retried(peers: FakePeers, clock: FakeClock) -> None:
    gateway = SmtpGateway(settings_for(peers, smtp_port=1), clock)
    with pytest.raises(RetryLater):
        await gateway.send_mail(MAIL, "1")


async def test_mail_in_production_is_never_sent_in_the_clear(peers: FakePeers, clock: FakeClock) -> None:
    settings = settings_for(peers, smtp_encryption="starttls")
    with pytest.raises(RetryLater):  # the sink speaks no TLS, so nothing leaves
        await SmtpGateway(settings, clock).send_mail(MAIL, "1")
    assert peers.sent() == []
    assert settings_for(peers).mail_encryption == "none"
    more = {"token_url": "https://login.nhs.test/token", "sms_url": "", "mail_from": MORE["mail_from"]}
    production = settings_for(peers, **PRODUCTION | more)
    assert production.mail_encryption == "starttls"


async def test_text_sent_twice_is_kept_once(peers: FakePeers, http: httpx.AsyncClient) -> None:
    gateway = HttpTextGateway(settings_for(peers), http)
    first = await gateway.send_text("+447700900123", "Hello", "0123abcd")
    assert await gateway.send_text("+447700900123", "Hello", "0123abcd") == first
    (sent,) = peers.sent("sms")
    assert (sent.to, sent.text, sent.reference, sent.id) == ("+447700900123", "Hello", "0123abcd", first)
    assert peers.count("POST /dev/sms") == 2


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_text_refused_by_gateway_is_given_up(
    peers: FakePeers, http: httpx.AsyncClient, status: int
) -> None:
    peers.texts = status
    with pytest.raises(PermanentFailure) as given_up:
        await HttpTextGateway(settings_for(peers), http).send_text("+447700900123", "Hello", "1")
    assert given_up.value.code == "text_refused"


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_text_to_failing_gateway_is_retried(
    peers: FakePeers, http: httpx.AsyncClient, status: int
) -> None:
    peers.texts = status
    with pytest.raises(RetryLater):
        await HttpTextGateway(settings_for(peers), http).send_text("+447700900123", "Hello", "1")


async def test_text_to_unavailable_gateway_is_retried(peers: FakePeers, http: httpx.AsyncClient) -> None:
    with pytest.raises(RetryLater):
        await HttpTextGateway(settings_for(peers, sms_url="http://127.0.0.1:1/"), http).send_text(
            "+44", "Hi", "1"
        )


async def test_text_without_gateway_is_a_visible_failure(peers: FakePeers, http: httpx.AsyncClient) -> None:
    with pytest.raises(PermanentFailure) as given_up:
        await HttpTextGateway(settings_for(peers, sms_url=""), http).send_text("+44", "Hi", "1")
    assert given_up.value.code == "no_text_gateway"


def test_mail_repr_shows_no_content() -> None:
    assert repr(MAIL) == "Mail()"
