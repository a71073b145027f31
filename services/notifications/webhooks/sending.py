"""Posts one event to one endpoint, over a connection of its own to an address that was judged.

The host's name is resolved once. The addresses are judged, and the connection goes to one of them, so that
another answer of the name server changes nothing between check and use. The certificate must be the name's.
No redirect is followed and no proxy is used: httpcore does neither.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpcore

from services.notifications.webhooks.policy import Answer
from services.notifications.webhooks.targets import Target
from shared.platform.outbound.pinned import AddressRefused, PinnedNetwork
from shared.platform.outbound.resolving import NameNotFound, Resolve


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one attempt: seconds to connect, seconds in all, and bytes that are read of an answer."""

    connect_seconds: float = 5.0
    total_seconds: float = 10.0
    answer_bytes: int = 16_384


class WebhookSender:
    """Posts events. Safe to share between tasks: each attempt has a connection of its own."""

    def __init__(
        self,
        resolve: Resolve,
        tls: ssl.SSLContext,
        *,
        private_allowed: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._resolve = resolve
        self._tls = tls
        self._private_allowed = private_allowed
        self._limits = limits or Limits()

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Makes one attempt. Never raises for what the receiver or the network does.

        An answer counts from its status on. Its body is read up to the limit, and dropped.
        """
        answers: list[Answer] = []
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                await self._attempt(target, headers, body, answers)
        except (TimeoutError, httpcore.TimeoutException) as error:
            failed = "connect_timeout" if isinstance(error, httpcore.ConnectTimeout) else "timeout"
        except AddressRefused:
            failed = "address_refused"
        except NameNotFound:
            failed = "name_not_found"
        except httpcore.ConnectError as error:
            failed = "tls_failed" if _is_of_tls(error) else "connect_failed"
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            failed = "broken_answer"
        else:
            failed = "broken_answer"
        return answers[0] if answers else Answer(error=failed)

    async def _attempt(
        self, target: Target, headers: Mapping[str, str], body: bytes, answers: list[Answer]
    ) -> None:
        url = httpcore.URL(scheme=b"https", host=target.host.encode(), port=target.port, target=target.path)
        limits = self._limits
        waits = {"connect": limits.connect_seconds, "read": limits.total_seconds}
        pinned = PinnedNetwork(
            target.host, target.literal, self._resolve, private_allowed=self._private_allowed
        )
        pool = httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=pinned, max_connections=1)
        async with (
            pool,
            pool.stream(
                "POST",
                url,
                headers=[("host", target.host_header), *headers.items()],
                content=body,
                extensions={"timeout": waits},
            ) as answer,
        ):
            answers.append(Answer(answer.status, retry_after=_header(answer.headers, b"retry-after")))
            left = limits.answer_bytes
            async for chunk in answer.aiter_stream():
                left -= len(chunk)
                if left <= 0:
                    break


def _is_of_tls(error: BaseException | None) -> bool:
    """Looks through the causes, as each layer of the network wraps the error of the one below."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    for each, value in headers:
        if each.lower() == name:
            return value.decode("latin-1")
    return None
