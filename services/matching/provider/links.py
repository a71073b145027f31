"""One-tap links of services: signed, expiring, and without anything of the person.

A token holds small letters and digits alone (base32). Mail programs, scanners and people change addresses:
they drop a dot at the end, break a line at a hyphen, write capitals. Reading a token drops all other
characters and turns capitals into small letters.
"""

import hmac
import struct
from base64 import b32decode, b32encode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.platform.clock import Clock
from shared.platform.key_ring import KeyRing

_LONGEST: Final = 1000
_SEAL_BYTES: Final = 16
_FORM: Final = 1
# The form's number, prescription, service, the second of its end, the generation; the locality follows.
_FIELDS: Final = struct.Struct(">B16s16sIH")
_PURPOSE: Final = b"linkwork one-tap\0"


class LinkAltered(Exception):
    """The link is not ours, or was changed."""


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """Claims of a link: the prescription, the service, and the end of its validity.

    `generation`: the number of links for this prescription that were ended and replaced before.
    """

    locality: str
    prescription_id: str
    service_id: str
    expires_at: datetime
    generation: int = 0


class LinkExpired(Exception):
    """The link is ours and too old; with its claims."""

    def __init__(self, claims: LinkClaims) -> None:
        super().__init__("expired")
        self.claims = claims


class Links:
    """Makes and reads the tokens of one-tap links, with 128 bits of HMAC-SHA256.

    `key`: the keys as the setting lists them.
    """

    def __init__(self, key: str, public_url: str, days: int, clock: Clock) -> None:
        self._keys = KeyRing.of(key)
        self._public_url = public_url
        self._lasts = timedelta(days=days)
        self._clock = clock

    def token(self, locality: str, prescription_id: str, service_id: str, generation: int = 0) -> str:
        """A fresh token, of letters a to z and digits 2 to 7."""
        until = int((self._clock() + self._lasts).timestamp())
        of = UUID(prescription_id).bytes, UUID(service_id).bytes
        said = _FIELDS.pack(_FORM, *of, until, generation) + locality.encode("ascii")
        return b32encode(said + self._seals(said)[0]).decode().rstrip("=").lower()

    def url(self, token: str) -> str:
        """The address for the service."""
        return f"{self._public_url}/s/{token}"

    def read(self, token: str) -> LinkClaims:
        """Reads the claims of a token.

        Raises:
            LinkAltered: the token is not ours, or was changed.
            LinkExpired: the token is too old.
        """
        if len(token) > _LONGEST:
            raise LinkAltered
        letters = "".join(sign for sign in token if sign.isascii() and sign.isalnum()).upper()
        try:
            whole = b32decode(letters + "=" * (-len(letters) % 8))
        except Error:
            raise LinkAltered from None
        said, seal = whole[:-_SEAL_BYTES], whole[-_SEAL_BYTES:]
        genuine = any(hmac.compare_digest(seal, each) for each in self._seals(said))
        if not genuine or len(said) <= _FIELDS.size:
            raise LinkAltered
        form, prescription, service, until, generation = _FIELDS.unpack_from(said)
        if form != _FORM:
            raise LinkAltered
        claims = LinkClaims(
            locality=said[_FIELDS.size :].decode("ascii"),
            prescription_id=str(UUID(bytes=prescription)),
            service_id=str(UUID(bytes=service)),
            expires_at=datetime.fromtimestamp(until, UTC),
            generation=generation,
        )
        if self._clock() >= claims.expires_at:
            raise LinkExpired(claims)
        return claims

    def _seals(self, said: bytes) -> list[bytes]:
        """The seal under each key, newest first."""
        return [mac[:_SEAL_BYTES] for mac in self._keys.macs(_PURPOSE + said)]
