"""Connects to an address of a host that was judged, whatever its name means a moment later."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

import httpcore

from shared.platform.outbound.addresses import Address, is_public
from shared.platform.outbound.resolving import NameNotFound, Resolve

_MAX_ADDRESSES: Final = 3
# After so long without a connection, the next address is tried.
_NEXT_SECONDS: Final = 1.5


class AddressRefused(Exception):
    """A name leads to an address inside a private network."""


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to a judged address of a host, whatever its name means a moment later."""

    def __init__(
        self, host: str, literal: Address | None, resolve: Resolve, *, private_allowed: bool
    ) -> None:
        """`literal`: the address, if the host is one."""
        self._host = host
        self._literal = literal
        self._resolve = resolve
        self._private_allowed = private_allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolves the name, and connects to the first of its addresses that takes a connection."""
        try:
            async with asyncio.timeout(timeout):
                return await self._connect(port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None

    async def _connect(self, port: int) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses()
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(str(address), port, timeout=_NEXT_SECONDS)
        return await self._network.connect_tcp(str(addresses[-1]), port)

    async def _addresses(self) -> list[Address]:
        literal = self._literal
        found = [literal] if literal is not None else list(await self._resolve(self._host))
        if not found:
            raise NameNotFound
        # One private address among public ones is an attempt to be led there: refuse the whole name.
        if not self._private_allowed and not all(is_public(address) for address in found):
            raise AddressRefused
        return found[:_MAX_ADDRESSES]
