"""A TCP proxy between a process and a store, whose connections can be cut, delayed and reset.

Ready-made proxies are programs in other languages, or are no longer maintained.
"""

import asyncio
import socket
import struct
from collections import deque
from typing import cast

from deploy.local.ports import LOOPBACK

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on `port` and passes everything on to `to`, at first unchanged."""

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self.to = to
        self.delay = 0.0  # Seconds of delay, each way.
        self._cut = False
        self._halves: set[_Half] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Starts to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Half(self), LOOPBACK, self.port, backlog=256)

    async def stop(self) -> None:
        """Stops to listen and resets every connection."""
        if self._server is not None:
            self._server.close()
        self.reset()

    @property
    def cut(self) -> bool:
        """Cuts the way while True: nothing passes, neither side is informed, bytes on the way are lost."""
        return self._cut

    @cut.setter
    def cut(self, cut: bool) -> None:
        """Cuts the way, or restores it and resets every connection."""
        self._cut = cut
        if not cut:
            self.reset()

    def reset(self) -> None:
        """Resets every connection, as a device that has lost its state does."""
        for half in list(self._halves):
            half.reset()

    def joined(self, half: "_Half") -> None:
        """Registers a side of a connection."""
        self._halves.add(half)

    def left(self, half: "_Half") -> None:
        """Removes a side of a connection."""
        self._halves.discard(half)


class _Half(asyncio.Protocol):
    """A side of a connection. Without a `peer` it is the client's, and opens the store's side."""

    def __init__(self, proxy: Proxy, peer: "_Half | None" = None) -> None:
        self._proxy = proxy
        self._peer = peer
        self._transport: asyncio.Transport | None = None
        self._held: deque[bytes] = deque()
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._proxy.joined(self)
        if self._peer is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        peer = _Half(self._proxy, self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: peer, LOOPBACK, self._proxy.to)
        except OSError:
            self.reset()
            return
        self._peer = peer
        while self._held:
            self._pass_first()

    def data_received(self, data: bytes) -> None:
        if self._proxy.cut:
            return
        # Earlier bytes go first, even if the delay has just ended.
        self._held.append(data)
        if self._peer is None:
            return
        if self._proxy.delay or len(self._held) > 1:
            asyncio.get_running_loop().call_later(self._proxy.delay, self._pass_first)
        else:
            self._pass_first()

    def _pass_first(self) -> None:
        if self._held and self._peer is not None:
            self._peer.write(self._held.popleft())

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._proxy.cut:
            self._transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._proxy.left(self)
        if self._peer is not None:
            self._peer.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        if self._transport is not None:
            connection = self._transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
