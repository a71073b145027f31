"""Judging an access token: signature, issuer, audience, time."""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from shared.platform.clock import Clock, system_clock
from shared.platform.web.keys import KeySource
from shared.platform.web.principal import NotAPrincipal, Principal, principal_of

ALGORITHMS = ("RS256", "ES256")
LEEWAY_SECONDS = 30
LONGEST = 8_192
_MOST_REMEMBERED = 1_000


class InvalidToken(Exception):
    """The token is not to be believed. Says nothing more, on purpose."""


class TokenVerifier:
    """Turns an access token into a Caller, or refuses."""

    def __init__(self, *, keys: KeySource, issuer: str, audience: str, clock: Clock = system_clock) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        # Claims whose signature was checked, by the token's digest, and with which key.
        self._signed: OrderedDict[bytes, tuple[Any, dict[str, Any]]] = OrderedDict()

    async def caller(self, token: str) -> Principal:
        """Raises InvalidToken, or KeysUnavailable while the issuer's keys cannot be read."""
        return caller_of_checked(await self.claims(token))

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature, issuer, audience and times hold."""
        header = _header(token)
        kid = header.get("kid")
        if header.get("alg") not in ALGORITHMS or not isinstance(kid, str):
            raise InvalidToken
        key = await self._keys.key(kid)
        if key is None:
            raise InvalidToken
        try:
            claims = self._signed_claims(token, key)
            self._registry().validate(claims)
        except (JoseError, ValueError, TypeError):
            raise InvalidToken from None
        return claims

    def _signed_claims(self, token: str, key: Any) -> dict[str, Any]:
        """The claims of a token with a verified signature. Kept, as tokens last for minutes."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._signed.get(digest)
        if known is not None and known[0] is key:
            self._signed.move_to_end(digest)
            return dict(known[1])
        claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        self._signed[digest] = (key, claims)
        if len(self._signed) > _MOST_REMEMBERED:
            self._signed.popitem(last=False)
        return dict(claims)

    def _registry(self) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": True},
        )


def caller_of_checked(claims: dict[str, Any]) -> Principal:
    """As principal_of, refusing with InvalidToken."""
    try:
        return principal_of(claims)
    except NotAPrincipal:
        raise InvalidToken from None


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST or token.count(".") != 2:
        raise InvalidToken
    encoded = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidToken from None
    if not isinstance(header, dict):
        raise InvalidToken
    return header
