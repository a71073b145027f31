"""The development issuer's key, made once and kept in the state folder."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from shared.platform.clock import Clock, system_clock
from shared.platform.ids import new_id

ALGORITHM = "ES256"
KEY_FILE = "development-issuer.jwk.json"


class IssuerKey:
    """Signs tokens, and is a KeySource for verifiers in the same process."""

    def __init__(self, key: ECKey, *, issuer: str, audience: str, clock: Clock = system_clock) -> None:
        self._key = key
        self._key.ensure_kid()
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    @classmethod
    def kept_in(cls, state: Path, *, issuer: str, audience: str, clock: Clock = system_clock) -> "IssuerKey":
        """The key in this folder. Made there at first use, readable by its owner alone."""
        path = state / KEY_FILE
        if not path.exists():
            state.mkdir(parents=True, exist_ok=True)
            made = ECKey.generate_key("P-256", auto_kid=True)
            draft = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(made.as_dict(private=True), file)
            draft.replace(path)
        key = ECKey.import_key(json.loads(path.read_text("utf-8")))
        return cls(key, issuer=issuer, audience=audience, clock=clock)

    def public_keys(self) -> dict[str, Any]:
        """The JWKS document."""
        listed = KeySet([self._key]).as_dict(private=False, use="sig", alg=ALGORITHM)
        return dict(listed)

    async def key(self, kid: str) -> RSAKey | ECKey | None:
        """KeySource: our own key needs no fetching."""
        return self._key if kid == self._key.kid else None

    def sign(self, claims: dict[str, Any], lasts: timedelta, *, audience: str | None = None) -> str:
        """A JWT with these claims beside issuer, audience, times and a fresh id.

        Its person has just signed in, unless the claims say when they did.
        """
        now = self._clock()
        whole = {
            "iss": self._issuer,
            "aud": audience or self._audience,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + lasts).timestamp()),
            "auth_time": int(now.timestamp()),
            "jti": new_id(),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, whole | claims, self._key, algorithms=[ALGORITHM])
