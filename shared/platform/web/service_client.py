"""HTTP client for the other services: this service's own token, a timeout, and one error if none answers."""

import asyncio
from typing import Any

import httpx

from shared.platform.errors import RetryLater
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable


class ServiceUnavailable(RetryLater):
    """Another service, or the issuer of tokens, gave no answer that can be used."""


class ServiceClient:
    """Calls other services.

    Args:
        timeout: seconds that a call may take.
        token_timeout: seconds that fetching a token may take; without it, the limit of `ServiceTokens` holds.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: ServiceTokens,
        timeout: float | httpx.Timeout,
        token_timeout: float | None = None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._timeout = timeout
        self._token_timeout = token_timeout

    async def request(
        self, method: str, url: str, scope: str, body: Any = None, *, idempotency_key: str | None = None
    ) -> httpx.Response:
        """Sends a request with a token of this scope and returns the answer, whatever its status.

        After a 401 the next request fetches a new token.

        Raises:
            ServiceUnavailable: there is no token, or no answer in time.
        """
        try:
            headers = await asyncio.wait_for(self._tokens.headers(scope), self._token_timeout)
            if idempotency_key is not None:
                headers["idempotency-key"] = idempotency_key
            answer = await self._http.request(method, url, json=body, headers=headers, timeout=self._timeout)
        except (httpx.HTTPError, ServiceTokenUnavailable, TimeoutError):
            raise ServiceUnavailable from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.forget(scope)
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
