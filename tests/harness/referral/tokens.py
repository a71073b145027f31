"""A real PKCS#11 token for tests: SoftHSM, in a folder of its own."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

_PLACES: Final = ("/usr/lib/softhsm", "/usr/lib64", "/usr/local/lib/softhsm", "/opt/homebrew/lib/softhsm")
PIN: Final = "827364"
TOKEN: Final = "linkwork tests"


def module() -> Path:
    """SoftHSM's library. Fails the test with what to install where it is missing."""
    for place in _PLACES:
        found = Path(place) / "libsofthsm2.so"
        if found.exists():
            return found
    pytest.fail(
        "This test needs SoftHSM, a PKCS#11 token in software: `apt-get install softhsm2`, or "
        "`brew install softhsm`, and run again.",
        pytrace=False,
    )


def make_token(folder: Path) -> None:
    """Makes an empty token, and shows SoftHSM in this process where it lies. Call it once a process."""
    tokens, settings = folder / "tokens", folder / "softhsm2.conf"
    tokens.mkdir()
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    made = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "918273"]
    subprocess.run(made, check=True, capture_output=True)


def make_key(label: str, *, may_leave: bool = False) -> str:
    """Makes an AES key in the token; returns it as LINKWORK_MASTER_KEY names it."""
    import pkcs11

    token = pkcs11.lib(str(module())).get_token(token_label=TOKEN)
    template = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: may_leave}
    try:
        opened = token.open(rw=True, user_pin=PIN)
    except pkcs11.exceptions.UserAlreadyLoggedIn:  # By a key that the same test uses.
        opened = token.open(rw=True)
    with opened as session:
        session.generate_key(pkcs11.KeyType.AES, 256, label=label, store=True, template=template)
    return f"pkcs11:token=linkwork%20tests;object={label}"
