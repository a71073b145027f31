"""Resolves the name of a receiver's host, without a thread, so that a slow name server delays nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final

from dns import asyncresolver, exception

from shared.platform.outbound.addresses import Address

# Gives the addresses of a host's name. Raises NameNotFound.
Resolve = Callable[[str], Awaitable[Sequence[Address]]]
_LOOPBACK: Final = ("127.0.0.1",)


class NameNotFound(Exception):
    """No name server gives an address for the name in time."""


async def resolve_name(
    name: str, seconds: float = 4.0, servers: asyncresolver.Resolver | None = None
) -> Sequence[Address]:
    """The addresses of a name. `localhost` and what is below it are the loopback, by RFC 6761.

    `servers` takes the place of the machine's own name servers.

    Raises:
        NameNotFound: no name server gives an address in time.
    """
    if name == "localhost" or name.endswith(".localhost"):
        return [ip_address(each) for each in _LOOPBACK]
    try:
        asked = servers or asyncresolver.Resolver()
        asked.lifetime = seconds
        async with asyncio.timeout(seconds):
            answers = await asked.resolve_name(name)
    except (exception.DNSException, OSError, TimeoutError, ValueError):
        raise NameNotFound from None
    return [ip_address(each) for each in answers.addresses()]
