"""Master keys in a PKCS#11 token, such as an HSM: wrapped and unwrapped inside, and never given away."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from services.referral.identity.vault.keys import NONCE_BYTES, VaultLocked
from shared.platform.errors import CannotStart, Transient

_PREFIX: Final = "pkcs11:"
_INSTALL: Final = "install `python-pkcs11`"
_TAG_BYTES: Final = 16
# A library serves one thread at a time, whatever it promises.
_LOCK: Final = threading.Lock()


class TokenUnusable(CannotStart):
    """The token or its key cannot be used; the message says what to do, and holds no secret."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The labels of a token and of a key in it."""

    token: str
    label: str

    @classmethod
    def of(cls, uri: str) -> "KeyPlace":
        """Reads `pkcs11:token=...;object=...` (RFC 7512). Raises TokenUnusable for anything else."""
        parts = [part.partition("=") for part in uri.removeprefix(_PREFIX).split(";")]
        known = {name: unquote(value) for name, _, value in parts}
        if set(known) != {"token", "object"} or not all(known.values()):
            raise TokenUnusable("A master key in a token is written pkcs11:token=...;object=... and no more.")
        return cls(known["token"], known["object"])

    @property
    def id(self) -> str:
        """A short id of the place: 16 hexadecimal digits."""
        digest = Hash(SHA256())
        digest.update(f"linkwork pkcs11\0{self.token}\0{self.label}".encode())
        return digest.finalize()[:8].hex()


class TokenMasterKey:
    """A MasterKey that a token holds. It encrypts by AES-GCM, bound to the person, as the local one does.

    A session of its own is opened again once after it has failed: a token may restart.
    """

    waits = True

    def __init__(self, token: Any, place: KeyPlace, pin: str) -> None:
        self.id = place.id
        self._token = token
        self._place = place
        self._pin = pin
        self._session: Any = None
        self._key: Any = None
        with _LOCK:
            self._open()

    @classmethod
    def found(cls, module: Path | None, uri: str, pin: str) -> "TokenMasterKey":
        """The key at a place in the token of this library.

        Raises:
            TokenUnusable: the library, the token, its PIN or the key is wrong or missing.
        """
        place = KeyPlace.of(uri)
        try:
            import pkcs11
        except ImportError:
            raise TokenUnusable(f"LINKWORK_MASTER_KEY names a token: {_INSTALL} to reach it.") from None
        try:
            token = pkcs11.lib(str(module)).get_token(token_label=place.token)
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
            raise TokenUnusable(
                f"The token of LINKWORK_MASTER_KEY is not found ({type(error).__name__}): look at "
                "LINKWORK_PKCS11_MODULE and the token's label."
            ) from None
        return cls(token, place, pin)

    def wrap(self, person: str, key: bytes) -> bytes:
        """As MasterKey: a fresh nonce, then ciphertext and tag. Raises Transient if the token fails."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._done("encrypt", key, nonce, person)

    def unwrap(self, person: str, wrapped: bytes) -> bytes:
        """As MasterKey. Raises Transient if the token fails."""
        return self._done("decrypt", wrapped[NONCE_BYTES:], wrapped[:NONCE_BYTES], person)

    def _done(self, what: str, content: bytes, nonce: bytes, person: str) -> bytes:
        import pkcs11

        if len(nonce) != NONCE_BYTES or (len(content) < _TAG_BYTES and what == "decrypt"):
            raise VaultLocked
        how = {
            "mechanism": pkcs11.Mechanism.AES_GCM,
            "mechanism_param": pkcs11.GCMParams(nonce, person.encode(), 8 * _TAG_BYTES),
        }
        with _LOCK:
            try:
                return bytes(getattr(self._key, what)(content, **how))
            except pkcs11.PKCS11Error:
                self._open()  # A token that restarted has forgotten the session.
            try:
                return bytes(getattr(self._key, what)(content, **how))
            except pkcs11.PKCS11Error as error:
                if what == "decrypt" and self._is_well(pkcs11):
                    raise VaultLocked from None
                raise Transient(f"the token of the master key fails ({type(error).__name__})") from None

    def _is_well(self, pkcs11: Any) -> bool:
        """True if the token encrypts: then what it does not decrypt was altered or is another key's."""
        how = {"mechanism_param": pkcs11.GCMParams(bytes(NONCE_BYTES), b"", 8 * _TAG_BYTES)}
        try:
            self._key.encrypt(b"a trial", mechanism=pkcs11.Mechanism.AES_GCM, **how)
        except pkcs11.PKCS11Error:
            return False
        return True

    def _open(self) -> None:
        """Opens a session and finds the key. Raises TokenUnusable, or Transient if it worked before."""
        import pkcs11

        worked = self._key is not None
        try:
            try:
                session = self._token.open(user_pin=self._pin)
            except pkcs11.exceptions.UserAlreadyLoggedIn:  # By another key of the same token.
                session = self._token.open()
            self._key = session.get_key(
                object_class=pkcs11.ObjectClass.SECRET_KEY,
                key_type=pkcs11.KeyType.AES,
                label=self._place.label,
            )
            extractable = self._key[pkcs11.Attribute.EXTRACTABLE]
            self._session = session
        except pkcs11.PKCS11Error as error:
            name = type(error).__name__
            if worked:
                raise Transient(f"the token of the master key fails ({name})") from None
            raise TokenUnusable(
                f"The master key {self.id} cannot be used in its token ({name}): look at the key's label and "
                "at LINKWORK_PKCS11_PIN."
            ) from None
        if extractable:
            raise TokenUnusable(f"The master key {self.id} may leave its token: make it unextractable.")
