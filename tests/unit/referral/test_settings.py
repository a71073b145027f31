"""The master key: from a variable or a file, and never a default in production."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.referral.settings import ReferralSettings
from shared.platform.web.settings import load
from tests.harness.web.production import MORE, PRODUCTION

KEY = MORE["master_key"]


def production(**more: Any) -> ReferralSettings:
    return ReferralSettings.model_validate(PRODUCTION | more)


def test_development_has_a_key_of_its_own() -> None:
    assert len(ReferralSettings(env="development").master_key_bytes()) == 32


def test_production_takes_the_key_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(f"{KEY}\n")
    assert production(master_key=KEY).master_key_bytes() == base64.b64decode(KEY)
    assert production(master_key_file=file).master_key_bytes() == base64.b64decode(KEY)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"master_key": "short"},
        {"master_key": base64.b64encode(b"development-only-master-key-0001").decode()},
        {"master_key": base64.b64encode(bytes(32)).decode()},
        {"master_key": base64.b64encode(b"\x07" * 32).decode()},
        {"master_key": base64.b64encode(bytes(range(32))).decode()},
        {"master_key": base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()},
        {"master_key_file": Path("/does/not/exist")},
    ],
)
def test_production_refuses_to_start_without_a_good_key(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (PRODUCTION | more).items():
        monkeypatch.setenv(f"LINKWORK_{name.upper()}", str(value))
    with pytest.raises(SystemExit) as ended:
        load(ReferralSettings)
    said = str(ended.value)
    assert "\n" not in said
    assert "master key" in said or "MASTER_KEY" in said
    assert not any(str(value) in said for value in more.values())


def test_the_master_key_may_be_no_other_secret() -> None:
    with pytest.raises(ValidationError, match="LINKWORK_SESSION_KEY and LINKWORK_MASTER_KEY are equal"):
        production(master_key=KEY, session_key=KEY)


def test_a_trivial_master_key_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(base64.b64encode(bytes(32)).decode())
    with pytest.raises(ValidationError, match="easy to guess"):
        production(master_key_file=file)
