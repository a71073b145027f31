"""Fetches a feed from its address: of public hosts only, without redirects, limited in time and size."""

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx
import orjson

from services.matching.directory.feed.documents import TOTAL_PAGES
from shared.platform.outbound.addresses import Address, is_public
from shared.platform.outbound.pinned import AddressRefused, PinnedNetwork
from shared.platform.outbound.resolving import NameNotFound, Resolve

_MAX_URL: Final = 2000
_MAX_PORT: Final = 65_535
_MAX_PAGES: Final = 500
_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 5.0
_OK: Final = 200
_UNCHANGED: Final = 304
_REDIRECTS: Final = range(300, 400)
_SENTENCES: Final[Mapping[str, str]] = {
    "not_https": "The address must begin with https://.",
    "unreadable": "The address cannot be read: write https://host/path.",
    "has_user": "The address holds a user or password: leave it out.",
    "address_refused": "The address leads into a private network: only public ones are fetched.",
    "name_not_found": "No such host is known.",
    "no_answer": "The feed does not answer in time.",
    "tls_failed": "The certificate of the feed is not that of its host.",
    "redirected": "The feed sends to another address: enter that one.",
    "too_large": "The feed is larger than any feed may be.",
    "too_many_pages": "The feed has more pages than any feed may have.",
    "broken": "The feed broke off its answer.",
}


class NotFetched(Exception):
    """A feed was not fetched. `code` and `sentence` give the reason."""

    def __init__(self, code: str, sentence: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence or _SENTENCES[code]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched document with its tag. `document`: None if nothing has changed since the given tag."""

    document: bytes | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """The parts of a feed's address."""

    scheme: str
    host: str
    port: int
    url: httpx.URL
    literal: Address | None


def read_address(url: str, *, private_allowed: bool = False) -> FeedAddress:
    """Reads and judges an address. Names are judged when they are resolved. Raises NotFetched."""
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.raw_host.decode("ascii").rstrip(".").lower()
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise NotFetched("unreadable") from None
    if len(url) > _MAX_URL or not host or (parsed.port or 1) > _MAX_PORT:
        raise NotFetched("unreadable")
    if parsed.scheme != "https" and not (private_allowed and parsed.scheme == "http"):
        raise NotFetched("not_https")
    if parsed.userinfo:
        raise NotFetched("has_user")
    literal: Address | None
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        literal = None
    if literal is not None and not (private_allowed or is_public(literal)):
        raise NotFetched("address_refused")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return FeedAddress(parsed.scheme, host, port, parsed.copy_with(fragment=None), literal)


@dataclass(frozen=True)
class FeedFetcher:
    """Fetches feeds.

    Attributes:
        max_bytes: of all pages of a feed together.
        private_allowed: for a feed on this machine; production refuses it.
    """

    resolve: Resolve
    tls: ssl.SSLContext
    max_bytes: int
    private_allowed: bool = False
    seconds: float = _SECONDS

    async def fetch(self, url: str, etag: str | None = None) -> Fetched:
        """Fetches all pages of a feed, as one document.

        `etag`: the tag of the first page at the last import. Raises NotFetched.
        """
        address = read_address(url, private_allowed=self.private_allowed)
        try:
            async with asyncio.timeout(self.seconds):
                return await self._all(address, etag)
        except (TimeoutError, httpcore.TimeoutException):
            raise NotFetched("no_answer") from None
        except AddressRefused:
            raise NotFetched("address_refused") from None
        except NameNotFound:
            raise NotFetched("name_not_found") from None
        except httpcore.ConnectError as error:
            of_tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            raise NotFetched("tls_failed" if of_tls else "no_answer") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise NotFetched("broken") from None

    async def _all(self, address: FeedAddress, etag: str | None) -> Fetched:
        pinned = PinnedNetwork(
            address.host, address.literal, self.resolve, private_allowed=self.private_allowed
        )
        pool = httpcore.AsyncConnectionPool(ssl_context=self.tls, network_backend=pinned, max_connections=1)
        async with pool:
            first, tag = await self._page(pool, address, address.url, etag, self.max_bytes)
            if first is None:
                return Fetched(None, tag or etag)
            pages = [first]
            left = self.max_bytes - len(first)
            for number in range(2, _pages_of(first) + 1):
                url = address.url.copy_merge_params({"page": str(number)})
                page, _ = await self._page(pool, address, url, None, left)
                if page is not None:
                    pages.append(page)
                    left -= len(page)
        return Fetched(_joined(pages), tag)

    async def _page(
        self,
        pool: httpcore.AsyncConnectionPool,
        address: FeedAddress,
        url: httpx.URL,
        etag: str | None,
        most: int,
    ) -> tuple[bytes | None, str | None]:
        asked = httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=url.raw_path,
        )
        headers = [
            ("host", url.netloc.decode("ascii")),
            ("accept", "application/json"),
            # A small answer cannot grow when it is unpacked.
            ("accept-encoding", "identity"),
            *([("if-none-match", etag)] if etag else ()),
        ]
        waits = {"connect": _CONNECT_SECONDS, "read": self.seconds}
        async with pool.stream("GET", asked, headers=headers, extensions={"timeout": waits}) as answer:
            tag = _header(answer.headers, b"etag")
            if answer.status == _UNCHANGED and etag:
                return None, tag
            if answer.status in _REDIRECTS:
                raise NotFetched("redirected")
            if answer.status != _OK:
                raise NotFetched("answered", f"The feed answers {answer.status} instead of its services.")
            found = bytearray()
            async for chunk in answer.aiter_stream():
                found += chunk
                if len(found) > most:
                    raise NotFetched("too_large")
            return bytes(found), tag


def _pages_of(first: bytes) -> int:
    """The number of pages of a feed, by its first one; 1 for a feed that says nothing of pages."""
    try:
        page: Any = orjson.loads(first)
    except orjson.JSONDecodeError:
        return 1
    totals = [page.get(name) for name in TOTAL_PAGES] if isinstance(page, dict) else []
    found = next((each for each in totals if isinstance(each, int)), 1)
    if found > _MAX_PAGES:
        raise NotFetched("too_many_pages")
    return max(found, 1)


def _joined(pages: Sequence[bytes]) -> bytes:
    """One document of these pages, as the import takes them."""
    return pages[0] if len(pages) == 1 else b"[" + b",".join(pages) + b"]"


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    found = next((value for each, value in headers if each.lower() == name), None)
    return found.decode("latin-1")[:200] if found else None
