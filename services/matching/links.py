"""One-tap links of services: signed, expiring, and without anything of the person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from shared.clock import Clock

_LONGEST: Final = 1000


class LinkAltered(Exception):
    """The link is not one of ours, or not as we made it."""


class LinkExpired(Exception):
    """The link was ours and is too old."""


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """What a link says: which prescription to which service, and until when it holds."""

    locality: str
    prescription_id: str
    service_id: str
    expires_at: datetime


class Links:
    """Makes and reads the tokens of one-tap links (HMAC-SHA256)."""

    def __init__(self, key: str, public_url: str, days: int, clock: Clock) -> None:
        # HMAC as such: the key is a secret of its own and serves this purpose only.
        kwargs = {"key_derivation": "hmac", "digest_method": sha256}
        self._signer = URLSafeSerializer(key, salt="linkwork one-tap", signer_kwargs=kwargs)
        self._public_url = public_url
        self._lasts = timedelta(days=days)
        self._clock = clock

    def token(self, locality: str, prescription_id: str, service_id: str) -> str:
        """A fresh token."""
        until = int((self._clock() + self._lasts).timestamp())
        return str(self._signer.dumps([locality, prescription_id, service_id, until]))

    def url(self, token: str) -> str:
        """The address that a service gets."""
        return f"{self._public_url}/s/{token}"

    def read(self, token: str) -> LinkClaims:
        """What a token says.

        Raises:
            LinkAltered: it is not as we made it.
            LinkExpired: it is too old.
        """
        if len(token) > _LONGEST:
            raise LinkAltered
        try:
            locality, prescription_id, service_id, until = self._signer.loads(token)
            expires_at = datetime.fromtimestamp(int(until), UTC)
        except (BadSignature, ValueError, TypeError, OverflowError):
            raise LinkAltered from None
        if self._clock() >= expires_at:
            raise LinkExpired
        return LinkClaims(str(locality), str(prescription_id), str(service_id), expires_at)
