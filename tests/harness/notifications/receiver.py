"""A receiver of webhooks over real TLS on loopback, which answers as a test wants."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def answer(status: int, **headers: str) -> bytes:
    """An answer without a body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\n{lines}\r\n".encode()


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The webhook id."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The event."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """What came, and how to answer it. An answer of None leaves the sender waiting."""

    port: int
    received: list[Received] = field(default_factory=list)
    answers: Callable[[Received], bytes | None] = lambda _: NO_CONTENT
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Its address, with a path and a query that no log may hold."""
        return f"https://localhost:{self.port}/hooks?token=from-the-address"

    @property
    def ids(self) -> list[str]:
        """The webhook ids that came, in their order."""
        return [each.id for each in self.received]

    async def until(self, count: int, seconds: float = 15.0) -> list[Received]:
        """Waits until so many requests have come."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.02)
        return self.received


@dataclass(frozen=True)
class Authority:
    """An authority for tests, and the file of its certificate."""

    ca: trustme.CA
    file: Path

    def tls(self, *names: str) -> ssl.SSLContext:
        """The TLS of a server of these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


def authority(folder: Path) -> Authority:
    """Makes an authority."""
    ca, file = trustme.CA(), folder / "receivers.pem"
    ca.cert_pem.write_to_path(str(file))
    return Authority(ca, file)


@asynccontextmanager
async def receiver(trusted: Authority, name: str = "localhost") -> AsyncIterator[Receiver]:
    """Runs a receiver whose certificate is for this name."""
    made = Receiver(0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.partition(": ") for line in head[1:] if line)
            headers = {key.lower(): value for key, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Received(head[0].split(" ")[1], headers, body)
            made.received.append(request)
            answered = made.answers(request)
            if answered is None:
                await made.closing.wait()
            else:
                writer.write(answered)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=trusted.tls(name))
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.closing.set()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5)
