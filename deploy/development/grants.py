"""Authorization codes: each can be used once, within a minute, by the client that asked."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.platform.clock import Clock

CODE_LASTS = timedelta(seconds=60)
MOST_CODES = 1_000


@dataclass(frozen=True, slots=True)
class Grant:
    """The grant that a code stands for."""

    user_id: str
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    ends: datetime
    acr: str = ""


class Codes:
    """Codes handed out and not yet redeemed, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(
        self, *, user_id: str, client_id: str, redirect_uri: str, challenge: str, nonce: str, acr: str = ""
    ) -> str:
        """A fresh code."""
        now = self._clock()
        self._grants = {code: grant for code, grant in self._grants.items() if grant.ends > now}
        while len(self._grants) >= MOST_CODES:
            self._grants.pop(next(iter(self._grants)))
        code = secrets.token_urlsafe(24)
        ends = now + CODE_LASTS
        self._grants[code] = Grant(user_id, client_id, redirect_uri, challenge, nonce, ends, acr)
        return code

    def redeem(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Grant | None:
        """The grant, or None. The code is gone in either case."""
        grant = self._grants.pop(code, None)
        if grant is None or self._clock() >= grant.ends:
            return None
        digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
        proven = hmac.compare_digest(digest, grant.challenge.encode())
        same = (grant.client_id, grant.redirect_uri) == (client_id, redirect_uri)
        return grant if proven and same else None
