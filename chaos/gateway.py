"""The mail server and the text gateway, seen from their side: every message, each time it was handed over.

The development sink keeps a repeated message once, as a good gateway does; here repeats are what is counted.
Each process that sends has a mail port of its own, so that it is known who is speaking.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email import message_from_bytes
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import LOOPBACK, free_port

LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message handed over. `at` is seconds since 1970 by the machine's clock."""

    at: float
    channel: str
    reference: str
    sender: str
    """The process that handed it over; empty of a text: all come by one way."""


class Gateway:
    """Takes everything and keeps the references. `at_the_yes` is called, once, before a yes is given."""

    def __init__(self, senders: Iterable[str]) -> None:
        self.mail_ports = {name: free_port() for name in senders}
        self.text_port = free_port()
        self.deliveries: list[Delivery] = []
        self._at_the_yes: dict[str, Callable[[], None]] = {}
        self._mail: list[Controller] = []
        self._texts: asyncio.Server | None = None

    @property
    def text_url(self) -> str:
        return f"http://{LOOPBACK}:{self.text_port}/send"

    def at_the_yes(self, sender: str, strike: Callable[[], None]) -> None:
        """The next mail of this sender is kept, then `strike` is called, and then it would get its yes."""
        self._at_the_yes[sender] = strike

    def struck(self, sender: str) -> bool:
        """Whether that has happened."""
        return sender not in self._at_the_yes

    def keep(self, sender: str, channel: str, reference: str) -> None:
        """Called from other threads too: one append, one pop."""
        self.deliveries.append(Delivery(time.time(), channel, reference, sender))
        if strike := self._at_the_yes.pop(sender, None):
            strike()

    async def start(self) -> None:
        for sender, port in self.mail_ports.items():
            taker = _MailTaker(self, sender)
            mail = Controller(taker, hostname=LOOPBACK, port=port, data_size_limit=LARGEST)
            mail.start()
            self._mail.append(mail)
        self._texts = await asyncio.start_server(self._on_text, LOOPBACK, self.text_port)

    async def stop(self) -> None:
        for mail in self._mail:
            await asyncio.to_thread(mail.stop)
        if self._texts is not None:
            self._texts.close()

    async def _on_text(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As little HTTP as the one client needs."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(
                    int(x.split(":")[1]) for x in head.splitlines() if x.startswith("content-length:")
                )
                reference = str(json.loads(await reader.readexactly(length))["reference"])
                self.keep("", "text", reference)
                answer = json.dumps({"id": reference}).encode()
                said = (
                    "HTTP/1.1 202 Accepted",
                    "content-type: application/json",
                    f"content-length: {len(answer)}",
                )
                writer.write("\r\n".join((*said, "", "")).encode() + answer)
                await writer.drain()
        writer.close()


class _MailTaker:
    def __init__(self, gateway: Gateway, sender: str) -> None:
        self._gateway = gateway
        self._sender = sender

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.original_content or b""
        message_id = str(message_from_bytes(content).get("message-id", "")).strip()
        self._gateway.keep(self._sender, "mail", message_id.strip("<>").partition("@")[0])
        return "250 kept"
