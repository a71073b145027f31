"""The gateway of a run under faults: what it keeps of each message that it is given."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from chaos.gateway import Gateway

ASKED = b"POST /send HTTP/1.1\r\ncontent-length: 18\r\n\r\n" + b'{"reference": "a"}'
MAIL = b"EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
CONTENT = b"Message-ID: <a@example.org>\r\n\r\nHello\r\n.\r\n"


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway(["notifications"])
    await made.start()
    yield made
    await made.stop()


def hang_up_with(sender: socket.socket, last: bytes) -> None:
    """Sends the last bytes and the end of the connection in one packet, so that nothing comes between."""
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    sender.sendall(last)
    sender.shutdown(socket.SHUT_WR)


async def taken(gateway: Gateway) -> tuple[str, str, str, bool]:
    async with asyncio.timeout(5):
        while not gateway.deliveries:
            await asyncio.sleep(0.01)
    [one] = gateway.deliveries
    return one.channel, one.reference, one.sender, one.heard


async def test_text_whose_sender_waits_is_heard(gateway: Gateway) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(gateway.text_url, json={"reference": "a"})
    assert answer.json() == {"id": "a"}
    assert await taken(gateway) == ("text", "a", "", True)


async def test_text_whose_sender_hung_up_is_not_heard(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.text_port)) as sender:
        hang_up_with(sender, ASKED)
    assert await taken(gateway) == ("text", "a", "", False)


@pytest.mark.parametrize("stays", [True, False])
async def test_mail_is_taken_unless_its_sender_hung_up(gateway: Gateway, stays: bool) -> None:
    port = gateway.mail_ports["notifications"]
    with socket.create_connection(("127.0.0.1", port)) as sender, sender.makefile("rb") as answers:
        sender.sendall(MAIL)
        while not answers.readline().startswith(b"354"):
            pass
        if stays:
            sender.sendall(CONTENT)
            assert await taken(gateway) == ("mail", "a", "notifications", True)
        else:
            hang_up_with(sender, CONTENT)
            answers.read()  # until the server has closed its side
            assert gateway.deliveries == []
