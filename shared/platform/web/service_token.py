"""Tokens with which one service calls another (OAuth 2.0 client credentials)."""

import asyncio
from datetime import datetime, timedelta

import httpx

from shared.platform.clock import Clock, system_clock
from shared.platform.web.settings import ServiceSettings

EARLY = timedelta(seconds=30)


class ServiceTokenUnavailable(Exception):
    """The issuer did not give a token. Worth trying again."""


class ServiceTokens:
    """Asks the issuer for tokens and keeps each until shortly before it ends."""

    def __init__(self, settings: ServiceSettings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._token_url = settings.token_url
        self._kept: dict[str, tuple[str, datetime]] = {}
        self._lock = asyncio.Lock()

    async def get(self, scope: str) -> str:
        """An access token for this scope, such as `claims:read`. Raises ServiceTokenUnavailable."""
        async with self._lock:
            token, until = self._kept.get(scope, ("", self._clock()))
            if not token or self._clock() >= until - EARLY:
                token, until = await self._ask(scope)
                self._kept[scope] = (token, until)
            return token

    async def headers(self, scope: str) -> dict[str, str]:
        """The Authorization header for a call to another service."""
        return {"authorization": f"Bearer {await self.get(scope)}"}

    def forget(self, scope: str) -> None:
        """After a 401: the next `get` asks again."""
        self._kept.pop(scope, None)

    async def _ask(self, scope: str) -> tuple[str, datetime]:
        asked = self._clock()
        secret = self._settings.client_secret.get_secret_value()
        try:
            async with httpx.AsyncClient(timeout=5.0) as http:
                if not self._token_url:
                    found = (await http.get(self._settings.discovery_url)).raise_for_status().json()
                    self._token_url = str(found["token_endpoint"])
                given = await http.post(
                    self._token_url,
                    data={"grant_type": "client_credentials", "scope": scope},
                    auth=(self._settings.client_id, secret),
                )
                granted = given.raise_for_status().json()
            return str(granted["access_token"]), asked + timedelta(seconds=int(granted["expires_in"]))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as wrong:
            # The cause's text holds an address at most, but the chain is not needed by anyone.
            raise ServiceTokenUnavailable(type(wrong).__name__) from None
