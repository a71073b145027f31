"""The address that a request comes from, through our own proxies."""

import ipaddress

from starlette.requests import Request

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(listed: str) -> tuple[Network, ...]:
    """Networks from a list with commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in listed.split(",") if part.strip())


def client_address(request: Request, proxies: tuple[Network, ...]) -> str | None:
    """The address of whoever sent this, an IPv6 one by its /64. None for a proxy's own request.

    X-Forwarded-For is believed as far as trusted proxies wrote it: read from the right, the first address
    that is none of theirs. What a client writes there itself stands further left.
    """
    peer = _address(request.client.host if request.client else "")
    if peer is None:
        return None
    if not _among(peer, proxies):
        return _key(peer)
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    for part in reversed(forwarded.split(",") if forwarded else []):
        address = _address(part.strip())
        if address is None:
            return None
        if not _among(address, proxies):
            return _key(address)
    return None


def _address(written: str) -> Address | None:
    try:
        found = ipaddress.ip_address(written)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _among(address: Address, proxies: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in proxies)


def _key(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
