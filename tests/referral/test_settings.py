"""The master key: from a variable or a file, and never a default in production."""

import base64
from pathlib import Path
from typing import Any

import pytest

from services.referral.settings import ReferralSettings
from shared.web.settings import load

SECRETS = {
    "client_secret": "x" * 40,
    "session_key": "y" * 40,
    "dead_letter_key": "z" * 40,
}
KEY = base64.b64encode(bytes(range(32))).decode()


def production(**more: Any) -> ReferralSettings:
    return ReferralSettings(env="production", **(SECRETS | more))


def test_development_has_a_key_of_its_own() -> None:
    assert len(ReferralSettings(env="development").master_key_bytes()) == 32


def test_production_takes_the_key_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(f"{KEY}\n")
    assert production(master_key=KEY).master_key_bytes() == bytes(range(32))
    assert production(master_key_file=file).master_key_bytes() == bytes(range(32))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"master_key": "short"},
        {"master_key": base64.b64encode(b"development-only-master-key-0001").decode()},
        {"master_key_file": Path("/does/not/exist")},
    ],
)
def test_production_refuses_to_start_without_a_good_key(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKWORK_ENV", "production")
    for name, value in (SECRETS | more).items():
        monkeypatch.setenv(f"LINKWORK_{name.upper()}", str(value))
    with pytest.raises(SystemExit) as ended:
        load(ReferralSettings)
    said = str(ended.value)
    assert "\n" not in said
    assert "master key" in said or "MASTER_KEY" in said
    assert "short" not in said
