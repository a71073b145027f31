"""Asks the referral service whether a session is open, with a token of this service's own."""

import asyncio
import logging
from typing import Final

import httpx

from shared.contract.api.referral import SESSION
from shared.platform.clock import Clock, system_clock
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable
from shared.platform.web.session_keeping import SessionsUnavailable
from shared.platform.web.settings import ServiceSettings

SCOPE: Final = SESSION.scope
PATH: Final = SESSION.path
_PATIENCE: Final = httpx.Timeout(SESSION.seconds)
# A replica that is being restarted refuses; the next try finds another, or its successor.
_PAUSES: Final = (0.05, 0.2, 0.5)

log = logging.getLogger("linkwork.web")


class AskedSessions:
    """A SessionCheck over HTTP."""

    def __init__(self, settings: ServiceSettings, clock: Clock = system_clock) -> None:
        self._url = f"{settings.referral_url}{PATH}"
        self._tokens = ServiceTokens(settings, clock)
        self._http: httpx.AsyncClient | None = None

    async def is_open(self, digest: str) -> bool:
        """As SessionCheck: raises SessionsUnavailable after some tries, within some seconds."""
        for pause in (*_PAUSES, None):
            try:
                answer = await self._ask(digest)
            except ServiceTokenUnavailable:
                raise SessionsUnavailable from None
            except httpx.HTTPError as wrong:
                if pause is None or isinstance(wrong, httpx.TimeoutException):
                    raise SessionsUnavailable from None
                await asyncio.sleep(pause)
                continue
            if answer.is_success:
                return _read(answer)
            if answer.status_code == 401:
                self._tokens.forget(SCOPE)
            elif answer.status_code == 403:
                log.error("not allowed to ask about sessions: the token lacks the scope %s", SCOPE)
                break
            if pause is not None:
                await asyncio.sleep(pause)
        raise SessionsUnavailable

    async def _ask(self, digest: str) -> httpx.Response:
        headers = await self._tokens.headers(SCOPE)
        if self._http is None:
            # A session is asked about once in some seconds: a kept connection would often lead to a
            # replica that is gone.
            self._http = httpx.AsyncClient(
                verify=trusted_by_clients(),
                timeout=_PATIENCE,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return await self._http.post(self._url, json={"session": digest}, headers=headers)


def _read(answer: httpx.Response) -> bool:
    try:
        found = answer.json()
    except ValueError:
        raise SessionsUnavailable from None
    if not isinstance(found, dict) or not isinstance(found.get("open"), bool):
        raise SessionsUnavailable
    is_open: bool = found["open"]
    return is_open
