"""The mail server and the text gateway as seen from their side: every delivery of every message.

The development sink keeps a repeated message once, as a good gateway does. This gateway counts the repeats.
Each process that sends has a mail port of its own, so that the sender is known.
"""

import asyncio
import contextlib
import json
import threading
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
    sender: str  # The sending process; empty for a text, as all texts arrive on one port.
    # True if the sender was still connected at the yes. Otherwise it has reason to repeat.
    heard: bool = True


class Gateway:
    """Accepts everything and stores the references. `at_the_yes` is called, once, before a yes is given."""

    def __init__(self, senders: Iterable[str]) -> None:
        self.mail_ports = {name: free_port() for name in senders}
        self.text_port = free_port()
        self.deliveries: list[Delivery] = []
        self._at_the_yes: dict[str, Callable[[], None]] = {}
        self._mail: list[Controller] = []
        # In a thread of their own, as mail is: counting the log blocks its loop for seconds, in which
        # no sender would get a yes.
        self._texts = asyncio.new_event_loop()
        self._taking = threading.Thread(target=self._texts.run_forever, daemon=True)

    @property
    def text_url(self) -> str:
        """The address for text messages."""
        return f"http://{LOOPBACK}:{self.text_port}/send"

    def at_the_yes(self, sender: str, strike: Callable[[], None]) -> None:
        """Stores this sender's next mail, then calls `strike`, then acknowledges."""
        self._at_the_yes[sender] = strike

    def struck(self, sender: str) -> bool:
        """True once the strike has happened."""
        return sender not in self._at_the_yes

    def keep(self, sender: str, channel: str, reference: str, *, heard: bool = True) -> None:
        """Stores a delivery. Other threads call this: one append, one pop."""
        self.deliveries.append(Delivery(time.time(), channel, reference, sender, heard))
        if strike := self._at_the_yes.pop(sender, None):
            strike()

    async def start(self) -> None:
        """Starts to accept mail and texts."""
        for sender, port in self.mail_ports.items():
            taker = _MailTaker(self, sender)
            mail = Controller(taker, hostname=LOOPBACK, port=port, data_size_limit=LARGEST)
            mail.start()
            self._mail.append(mail)
        self._taking.start()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._take_texts(), self._texts))

    async def stop(self) -> None:
        """Stops to accept mail and texts."""
        for mail in self._mail:
            await asyncio.to_thread(mail.stop)
        if self._taking.is_alive():
            self._texts.call_soon_threadsafe(self._texting.close)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_end_all_others(), self._texts))
            self._texts.call_soon_threadsafe(self._texts.stop)
            await asyncio.to_thread(self._taking.join)
            self._texts.close()

    async def _take_texts(self) -> None:
        self._texting = await asyncio.start_server(self._on_text, LOOPBACK, self.text_port)

    async def _on_text(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A minimal HTTP server for one client."""
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(
                    int(x.split(":")[1]) for x in head.splitlines() if x.startswith("content-length:")
                )
                reference = str(json.loads(await reader.readexactly(length))["reference"])
                self.keep("", "text", reference, heard=not await _has_hung_up(reader))
                answer = json.dumps({"id": reference}).encode()
                said = (
                    "HTTP/1.1 202 Accepted",
                    "content-type: application/json",
                    f"content-length: {len(answer)}",
                )
                writer.write("\r\n".join((*said, "", "")).encode() + answer)
                await writer.drain()


async def _has_hung_up(reader: asyncio.StreamReader) -> bool:
    """Tests whether the sender has closed its side. A sender waits for the answer before it sends more."""
    await asyncio.sleep(0)  # an end that has arrived already is read now
    return reader.at_eof()


async def _end_all_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _MailTaker:
    def __init__(self, gateway: Gateway, sender: str) -> None:
        self._gateway = gateway
        self._sender = sender

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.original_content or b""
        message_id = str(message_from_bytes(content).get("message-id", "")).strip()
        reference = message_id.strip("<>").partition("@")[0]
        # If the sender has hung up, aiosmtpd cancels this here: the mail is not taken.
        await asyncio.sleep(0)
        self._gateway.keep(self._sender, "mail", reference)
        return "250 kept"
