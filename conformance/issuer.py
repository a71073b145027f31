"""The kit's own issuer: signs tokens for itself and for the part under test, and shows its public key."""

import time
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

AUDIENCE: Final = "linkwork"
# The audience of a token that opens nothing of the part.
ANOTHER: Final = "https://another.conformance.example"
_LASTS: Final = 3600


class Issuer:
    """Signs and reads tokens. The part believes `url` and reads its key at `url`/jwks.json."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._key.ensure_kid()

    def jwks(self) -> dict[str, Any]:
        """The public key."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def discovery(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks.json",
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/authorize",
        }

    def token(self, **claims: Any) -> str:
        """A token with these claims beside the usual."""
        now = int(time.time())
        whole = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "linkwork-conformance",
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + _LASTS,
            **claims,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, whole, self._key, algorithms=["ES256"])

    def granted(self, scope: str) -> dict[str, Any]:
        """The answer of the token endpoint to a client of the part."""
        token = self.token(sub="part-under-test", role="service", localities=["*"], scope=scope)
        return {"access_token": token, "token_type": "Bearer", "expires_in": _LASTS, "scope": scope}

    def believes(self, authorization: str) -> bool:
        """True for a bearer token that this issuer signed."""
        try:
            jwt.decode(authorization.removeprefix("Bearer "), self._key, algorithms=["ES256"])
        except (JoseError, ValueError):
            return False
        return authorization.startswith("Bearer ")
