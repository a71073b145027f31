"""HTTP client for other parts: published operations alone, with their time limits and our own token."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from shared.contract.api import Operation
from shared.platform.errors import RetryLater
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable


class ServiceUnavailable(RetryLater):
    """Another part, or the issuer of tokens, gave no answer that can be used."""


class ServiceClient:
    """Calls other parts.

    Args:
        patience: seconds that a call may take, its token among them; without it, the operation's own limit.
            A caller for whose answer no page waits may have more.
    """

    def __init__(self, http: httpx.AsyncClient, tokens: ServiceTokens, patience: float | None = None) -> None:
        self._http = http
        self._tokens = tokens
        self._patience = patience

    async def call(
        self,
        operation: Operation,
        owner: str,
        body: Any = None,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Asks the owner, at this address, and returns the answer, whatever its status.

        `path`, `query` and `headers` are the operation's parameters, `key` is an idempotency key. After a 401
        the next call fetches a new token.

        Raises:
            ServiceUnavailable: there is no token, or no answer in time.
        """
        url = owner + operation.path.format(
            **{name: quote(each, safe="") for name, each in (path or {}).items()}
        )
        patience = self._patience or operation.seconds
        try:
            async with asyncio.timeout(patience):
                sent = {**(headers or {}), **await self._tokens.headers(operation.scope, owner)}
                if key is not None:
                    sent["idempotency-key"] = key
                answer = await self._http.request(
                    operation.method, url, params=query, json=body, headers=sent, timeout=patience
                )
        except (httpx.HTTPError, ServiceTokenUnavailable, TimeoutError):
            raise ServiceUnavailable from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.forget(operation.scope, owner)
        return answer


def content_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer; empty if the answer holds another value.

    Raises:
        ServiceUnavailable: the status is no success, or the answer is not JSON.
    """
    if not answer.is_success:
        raise ServiceUnavailable
    try:
        content = answer.json()
    except ValueError:
        raise ServiceUnavailable from None
    return content if isinstance(content, dict) else {}


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal; empty if the answer is no problem document."""
    try:
        content = answer.json()
    except ValueError:
        return ""
    kind = content.get("type") if isinstance(content, dict) else None
    return str(kind or "").rpartition(":")[2]
