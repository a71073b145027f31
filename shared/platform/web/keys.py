"""The issuer's public keys: fetched, kept for a while, fetched again when a new key id appears."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from shared.platform.clock import Clock, system_clock
from shared.platform.outbound.certificates import trusted_by_clients

log = logging.getLogger("linkwork.web")

FRESH_FOR = timedelta(minutes=5)
KEPT_FOR = timedelta(hours=1)
REFETCH_PAUSE = timedelta(seconds=10)
FIRST_PAUSE = timedelta(seconds=1)


class KeysUnavailable(Exception):
    """The issuer's keys cannot be read, so no token can be judged."""


class KeySource(Protocol):
    """A source of public keys."""

    async def key(self, kid: str) -> RSAKey | ECKey | None:
        """The signing key with this id, or None. Raises KeysUnavailable."""
        ...


class IssuerKeys:
    """JWKS of an issuer over HTTP.

    A key id not seen yet causes another fetch (keys rotate), at most one in ten seconds, so that made-up
    ids cannot turn us against the issuer (one, while none is known yet: services start before it). While the
    issuer is away the keys known serve for an hour.
    """

    def __init__(self, *, jwks_url: str, discovery_url: str, clock: Clock = system_clock) -> None:
        self._jwks_url = jwks_url
        self._discovery_url = discovery_url
        self._clock = clock
        self._keys: dict[str, RSAKey | ECKey] = {}
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> RSAKey | ECKey | None:
        """The signing key with this id, or None. Raises KeysUnavailable."""
        # Whoever comes while the keys are being fetched waits for them, unless those known will do.
        if self._wanted(kid) or (self._lock.locked() and not (self._serve() and kid in self._keys)):
            async with self._lock:
                if self._wanted(kid):
                    await self._refresh()
        if not self._serve():
            raise KeysUnavailable
        return self._keys.get(kid)

    def _serve(self) -> bool:
        """True if the known keys may still be used."""
        return self._fetched is not None and self._clock() - self._fetched <= KEPT_FOR

    def _wanted(self, kid: str) -> bool:
        now = self._clock()
        pause = REFETCH_PAUSE if self._keys else FIRST_PAUSE
        if self._tried is not None and now - self._tried < pause:
            return False
        return self._fetched is None or now - self._fetched > FRESH_FOR or kid not in self._keys

    async def _refresh(self) -> None:
        self._tried = self._clock()
        try:
            async with httpx.AsyncClient(verify=trusted_by_clients(), timeout=5.0) as http:
                if not self._jwks_url:
                    found = (await http.get(self._discovery_url)).raise_for_status().json()
                    self._jwks_url = str(found["jwks_uri"])
                listed = (await http.get(self._jwks_url)).raise_for_status().json()
            self._keys = signing_keys(listed)
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError):
            return  # what is known stays, until KEPT_FOR; then key() refuses
        self._fetched = self._clock()


def signing_keys(listed: Any) -> dict[str, RSAKey | ECKey]:
    """The usable keys of a JWKS document by id: RSA and EC, with an id, not for encryption.

    An issuer may list keys of other kinds, curves or faults: they are left out, and the others serve.
    """
    keys: dict[str, RSAKey | ECKey] = {}
    for entry in listed["keys"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
            continue
        if entry.get("use", "sig") != "sig" or entry.get("kty") not in ("RSA", "EC"):
            continue
        try:
            for key in KeySet.import_key_set({"keys": [entry]}):
                # Only this makes the key's numbers, and fails where they are no point of the curve.
                if isinstance(key, (RSAKey, ECKey)) and key.public_key is not None:
                    keys[entry["kid"]] = key
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            log.warning("a key of the issuer cannot be used: left out")
    return keys
