"""The run's secrets: random, made once, readable by their owner only, passed to children as environment."""

import base64
import json
import os
import secrets
from pathlib import Path

SECRET_BYTES = 32
NAMES = (
    "session_key",
    "dead_letter_key",
    "master_key",
    "magic_link_key",
    "client_secret_referral",
    "client_secret_matching",
    "client_secret_notifications",
    "client_secret_evaluation",
    "client_secret_demo",
)


def run_secrets(folder: Path) -> dict[str, str]:
    """Returns every secret by name, as base64 of 32 random bytes. Makes those that are missing."""
    file = folder / "secrets"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in NAMES if name not in known]
    if missing:
        for name in missing:
            known[name] = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        # Written beside and renamed: a run that is killed here leaves the old file or the new one.
        new = file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(known, out, indent=1)
        new.replace(file)
    return known
