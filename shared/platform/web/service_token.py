"""Tokens with which one service calls another (OAuth 2.0 client credentials)."""

import asyncio
import base64
import json
import logging
from datetime import datetime, timedelta

import httpx

from shared.platform.clock import Clock, system_clock
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.settings import ServiceSettings

EARLY = timedelta(seconds=30)
log = logging.getLogger("linkwork.web")


class ServiceTokenUnavailable(Exception):
    """The issuer did not give a token. Worth trying again."""


class ServiceTokens:
    """Asks the issuer for tokens and keeps each until shortly before it ends.

    A token for an owner elsewhere is asked for with its address as `resource` (RFC 8707), and holds there
    alone. One that would open our own services is never sent to it.
    """

    def __init__(self, settings: ServiceSettings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._token_url = settings.token_url
        self._ours = settings.inside()
        self._kept: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._lock = asyncio.Lock()

    async def get(self, scope: str, owner: str = "") -> str:
        """An access token for this scope, such as `claims:read`, at this address; without one, at our own.

        Raises:
            ServiceTokenUnavailable: the issuer gives none that may be sent there.
        """
        resource = "" if owner in self._ours else owner
        async with self._lock:
            token, until = self._kept.get((scope, resource), ("", self._clock()))
            if not token or self._clock() >= until - EARLY:
                token, until = await self._ask(scope, resource)
                self._kept[scope, resource] = (token, until)
            return token

    async def headers(self, scope: str, owner: str = "") -> dict[str, str]:
        """The Authorization header for a call to another service."""
        return {"authorization": f"Bearer {await self.get(scope, owner)}"}

    def forget(self, scope: str, owner: str = "") -> None:
        """After a 401: the next `get` asks again."""
        self._kept.pop((scope, "" if owner in self._ours else owner), None)

    async def _ask(self, scope: str, resource: str) -> tuple[str, datetime]:
        asked = self._clock()
        secret = self._settings.client_secret.get_secret_value()
        try:
            async with httpx.AsyncClient(verify=trusted_by_clients(), timeout=5.0) as http:
                if not self._token_url:
                    found = (await http.get(self._settings.discovery_url)).raise_for_status().json()
                    self._token_url = str(found["token_endpoint"])
                given = await http.post(
                    self._token_url,
                    data={"grant_type": "client_credentials", "scope": scope}
                    | ({"resource": resource} if resource else {}),
                    auth=(self._settings.client_id, secret),
                )
                granted = given.raise_for_status().json()
            token = str(granted["access_token"])
            if resource and self._settings.audience in _audiences(token):
                log.error("the issuer does not know `resource` (RFC 8707): no token is sent to another owner")
                raise ServiceTokenUnavailable("audience")
            return token, asked + timedelta(seconds=int(granted["expires_in"]))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as wrong:
            # The cause's text holds an address at most, but the chain is not needed by anyone.
            raise ServiceTokenUnavailable(type(wrong).__name__) from None


def _audiences(token: str) -> list[str]:
    """The audiences that a token names; none if nothing can be read from it, which opens nothing of ours."""
    parts = token.split(".")
    if len(parts) != 3:
        return []
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        named = claims.get("aud", [])
    except (ValueError, AttributeError):
        return []
    return [str(each) for each in named] if isinstance(named, list) else [str(named)]
