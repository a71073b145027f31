"""A minimal HTTP client, so that measuring costs little of the measured time."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

LONGEST_REST = 2.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """Keeps connections to one address open. Reads answers with a Content-Length, as all of ours have."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._host, self._port = at.hostname or "", at.port or 80
        self._idle: list[tuple[Streams, float]] = []

    async def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Returns status and JSON of the answer. Raises OSError or EOFError if the connection breaks."""
        content = b"" if body is None else json.dumps(body).encode()
        said = {
            "host": f"{self._host}:{self._port}",
            "authorization": f"Bearer {token}",
            "prefer": "wait=2",
            **({"content-type": "application/json", "content-length": str(len(content))} if content else {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        streams = await self._connected()
        reader, writer = streams
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        answer = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((streams, time.monotonic()))
        return int(lines[0].split()[1]), json.loads(answer)

    async def _connected(self) -> Streams:
        """A connection that was used just now, or a new one: servers close idle connections."""
        while self._idle:
            streams, since = self._idle.pop()
            if time.monotonic() - since < LONGEST_REST:
                return streams
            streams[1].close()
        return await asyncio.open_connection(self._host, self._port)

    async def close(self) -> None:
        """Closes the idle connections."""
        for (_, writer), _ in self._idle:
            writer.close()
            await writer.wait_closed()
