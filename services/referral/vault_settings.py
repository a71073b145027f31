"""Settings of the vault's keys: master keys here or in a token, and keys of the blind indexes."""

import base64
import binascii
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from pydantic import SecretStr, model_validator

from shared.platform.key_ring import split_keys
from shared.platform.web.production import is_trivial, secret_problems
from shared.platform.web.setting_fields import LISTED, numbered
from shared.platform.web.settings import ServiceSettings, setting

MASTER_KEY_BYTES: Final = 32
# The beginning of a master key that stays in a token.
IN_A_TOKEN: Final = "pkcs11:"
# In place of an index key: one that follows from each master key that is no token's.
FROM_MASTER: Final = "from-master"
# For development databases only. Production refuses it.
_DEVELOPMENT_KEY: Final = base64.b64encode(b"development-only-master-key-0001").decode()


class VaultSettings(ServiceSettings):
    """Settings of the vault's keys."""

    master_key: SecretStr = setting(
        SecretStr(""),
        description=(
            "Wraps the key of every person in the vault: 32 random bytes in base64, or "
            "`pkcs11:token=...;object=...` for a key that stays in a token." + LISTED
        ),
        example="(a secret)",
    )
    master_key_file: Path | None = setting(
        None,
        description="A file that holds the master keys, one a line, instead of the variable.",
        example="/run/secrets/linkwork-master-key",
    )
    index_key: SecretStr = setting(
        SecretStr(""),
        description=(
            "Digests NHS numbers, likenesses and search terms, to find a person again. `from-master`, which "
            "is what empty means: follows from the master keys." + LISTED
        ),
        example="(a secret)",
    )
    pkcs11_module: Path | None = setting(
        None,
        description="The PKCS#11 library of the token that holds master keys.",
        example="/usr/lib/softhsm/libsofthsm2.so",
    )
    pkcs11_pin: SecretStr = setting(
        SecretStr(""), description="The user PIN of that token.", example="(a secret)"
    )
    pkcs11_pin_file: Path | None = setting(
        None,
        description="A file that holds that PIN, instead of the variable.",
        example="/run/secrets/hsm-pin",
    )

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        self.master_keys()
        self.index_secrets()
        return self

    def problems(self) -> Iterator[str]:
        """Problems of ServiceSettings, and of the vault's keys."""
        yield from super().problems()
        try:
            keys = self.local_master_keys()
        except ValueError as wrong:
            yield str(wrong)
        else:
            if any(is_trivial(key.decode("latin-1")) for key in keys):
                yield "The master key is easy to guess: use 32 random bytes."
        for key in split_keys(self.index_key.get_secret_value()):
            if key != FROM_MASTER:
                yield from secret_problems("index_key", key, development="", shortest=32)

    def secrets(self) -> dict[str, str]:
        """Secrets of ServiceSettings, and the vault's keys."""
        found = super().secrets()
        with contextlib.suppress(ValueError):
            found |= numbered("master_key", [key for key in self.master_keys() if not in_a_token(key)])
        own = [key for key in split_keys(self.index_key.get_secret_value()) if key != FROM_MASTER]
        return found | {"index_key": ""} | numbered("index_key", own)

    def master_keys(self) -> tuple[str, ...]:
        """The master keys as they are written, newest first: base64, or the place in a token.

        Raises:
            ValueError: there is none, or one is wrong. The message quotes nothing of it.
        """
        keys = split_keys(self._written_master_keys())
        for key in keys:
            if in_a_token(key):
                if self.pkcs11_module is None:
                    raise ValueError(
                        "LINKWORK_MASTER_KEY names a token, and LINKWORK_PKCS11_MODULE is not set."
                    )
            else:
                _decoded(key)
        if not keys:
            raise ValueError("The master key is not 32 bytes in base64.")
        return keys

    def local_master_keys(self) -> list[bytes]:
        """Those master keys that are no token's, newest first. Raises ValueError as `master_keys`."""
        return [_decoded(key) for key in self.master_keys() if not in_a_token(key)]

    def index_secrets(self) -> list[bytes]:
        """The secrets of the blind indexes, newest first.

        Raises:
            ValueError: none is set, and none follows from a master key.
        """
        secrets: list[bytes] = []
        for key in split_keys(self.index_key.get_secret_value()) or (FROM_MASTER,):
            secrets += self.local_master_keys() if key == FROM_MASTER else [key.encode()]
        if not secrets:
            raise ValueError(
                "LINKWORK_INDEX_KEY is not set: no index key follows from a master key that is in a token."
            )
        return secrets

    def token_pin(self) -> str:
        """The token's user PIN; empty if none is set. Raises ValueError if its file cannot be read."""
        if self.pkcs11_pin_file is None:
            return self.pkcs11_pin.get_secret_value()
        return _read(self.pkcs11_pin_file, "LINKWORK_PKCS11_PIN_FILE")

    def _written_master_keys(self) -> str:
        if self.master_key_file is not None:
            return _read(self.master_key_file, "LINKWORK_MASTER_KEY_FILE")
        given = self.master_key.get_secret_value()
        if self.env == "development":
            return given or _DEVELOPMENT_KEY
        if not given:
            raise ValueError(
                "LINKWORK_MASTER_KEY_FILE and LINKWORK_MASTER_KEY are not set: the vault needs one of them."
            )
        if _DEVELOPMENT_KEY in split_keys(given):
            raise ValueError("LINKWORK_MASTER_KEY is the development secret: production needs its own.")
        return given


def in_a_token(key: str) -> bool:
    """True if a master key is the place of a key in a token."""
    return key.startswith(IN_A_TOKEN)


def _decoded(key: str) -> bytes:
    try:
        decoded = base64.b64decode(key, validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) != MASTER_KEY_BYTES:
        raise ValueError("The master key is not 32 bytes in base64.")
    return decoded


def _read(file: Path, variable: str) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{variable} cannot be read.") from None
