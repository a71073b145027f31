"""Reads the address that an endpoint is registered under. One parser serves the check and the request."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final

import httpx

from shared.platform.outbound.addresses import Address, is_public

_MAX_LENGTH: Final = 2000
_HTTPS: Final = 443
_MAX_PORT: Final = 65_535


class TargetRefused(ValueError):
    """An address that is no target of webhooks. The message is a sentence that quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address, as a request is made of them."""

    host: str
    port: int
    path: bytes = field(repr=False)
    literal: Address | None = None

    @property
    def host_header(self) -> str:
        """Host and port, as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The address without path and query, for lists and logs."""
        return f"https://{self.host_header}/…"


def read_target(url: str, *, private_allowed: bool = False) -> Target:
    """Reads and judges an address. Names are judged later, when they are resolved.

    Raises:
        TargetRefused: it is not https, or has a user, a fragment, or a private address for its host.
    """
    if len(url) > _MAX_LENGTH:
        raise TargetRefused(f"The address is longer than {_MAX_LENGTH} characters.")
    try:
        parsed = httpx.URL(url)
        host, path = parsed.raw_host.decode("ascii").rstrip(".").lower(), parsed.raw_path
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise TargetRefused("The address cannot be read: write https://host/path.") from None
    if parsed.scheme != "https":
        raise TargetRefused("The address must begin with https://.")
    if parsed.userinfo:
        raise TargetRefused("The address holds a user or password: leave it out, deliveries are signed.")
    if parsed.fragment:
        raise TargetRefused("The address goes on after #: leave that out.")
    if not host:
        raise TargetRefused("The address names no host.")
    if parsed.port is not None and not 0 < parsed.port <= _MAX_PORT:
        raise TargetRefused("The address names no port: they end at 65535.")
    literal = _literal(host)
    if literal is not None and not (private_allowed or is_public(literal)):
        raise TargetRefused("The address is a private one: events go to public addresses only.")
    return Target(host, parsed.port or _HTTPS, path, literal)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
