"""Judging an access token: signature, issuer, audience, time."""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from shared.platform.clock import Clock, system_clock
from shared.platform.web.keys import KeySource
from shared.platform.web.principal import NO_PEOPLE, NotAPrincipal, Principal, principal_of

ALGORITHMS = ("RS256", "RS512", "ES256")
LEEWAY_SECONDS = 30
LONGEST = 8_192
_MOST_REMEMBERED = 1_000


class InvalidToken(Exception):
    """The token is not to be believed. Says nothing more, on purpose."""


class TokenVerifier:
    """Turns an access token into a Caller, or refuses.

    `believed_for`: how long after its issue a person's token is believed; None: until it ends.
    """

    def __init__(
        self,
        *,
        keys: KeySource,
        issuer: str,
        audience: str,
        clock: Clock = system_clock,
        believed_for: timedelta | None = None,
    ) -> None:
        self._keys = keys
        self._believed_for = believed_for
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        # Claims whose signature was checked, by the token's digest, and with which key.
        self._signed: OrderedDict[bytes, tuple[Any, dict[str, Any]]] = OrderedDict()

    async def caller(self, token: str) -> Principal:
        """Raises InvalidToken, or KeysUnavailable while the issuer's keys cannot be read."""
        claims = await self.claims(token)
        found = caller_of_checked(claims)
        if self._believed_for is not None and found.role not in NO_PEOPLE:
            self._check_age(claims, self._believed_for)
        return found

    def _check_age(self, claims: dict[str, Any], longest: timedelta) -> None:
        """Without leeway: a role that was taken away must not outlive `longest`."""
        issued = claims.get("iat")
        if not isinstance(issued, int) or self._clock().timestamp() - issued > longest.total_seconds():
            raise InvalidToken

    async def claims(self, token: str, *, names_person: bool = True) -> dict[str, Any]:
        """The claims of a token whose signature, issuer, audience and times hold.

        `names_person`: False for a logout token, which may name a session alone.
        """
        header = header_of(token)
        kid = header.get("kid")
        if header.get("alg") not in ALGORITHMS or not isinstance(kid, str):
            raise InvalidToken
        key = await self._keys.key(kid)
        if key is None:
            raise InvalidToken
        try:
            claims = self._signed_claims(token, key)
            self._registry(names_person).validate(claims)
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

    def _registry(self, names_person: bool) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": names_person},
        )


def caller_of_checked(claims: dict[str, Any]) -> Principal:
    """As principal_of, refusing with InvalidToken."""
    try:
        return principal_of(claims)
    except NotAPrincipal:
        raise InvalidToken from None


def header_of(token: str) -> dict[str, Any]:
    """The header of a token, not yet believed. Raises InvalidToken for what is no token."""
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
