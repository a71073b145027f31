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
ADDRESSES = {name: MORE[name] for name in ("notifications_url", "evaluation_url")}


def production(**more: Any) -> ReferralSettings:
    return ReferralSettings.model_validate(PRODUCTION | ADDRESSES | more)


def test_development_has_a_key_of_its_own() -> None:
    (key,) = ReferralSettings(env="development").local_master_keys()
    assert len(key) == 32


def test_production_takes_the_key_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "master"
    file.write_text(f"{KEY}\n")
    assert production(master_key=KEY).local_master_keys() == [base64.b64decode(KEY)]
    assert production(master_key_file=file).local_master_keys() == [base64.b64decode(KEY)]


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


OTHER_KEY = "p5Jx0Wc3VbQm7KzTgR1yHs8LdNf2UoAeYi6XkBv4EwM="


def test_master_keys_are_a_list_newest_first(tmp_path: Path) -> None:
    file = tmp_path / "masters"
    file.write_text(f"{OTHER_KEY}\n{KEY}\n")
    both = [base64.b64decode(key) for key in (OTHER_KEY, KEY)]
    assert production(master_key=f"{OTHER_KEY}, {KEY}").local_master_keys() == both
    assert production(master_key_file=file).local_master_keys() == both
    for wrong in (f"{KEY},short", f"{KEY},{KEY}", f"{OTHER_KEY},{base64.b64encode(bytes(32)).decode()}"):
        with pytest.raises(ValidationError):
            production(master_key=wrong)


def test_index_keys_follow_from_masters_unless_they_are_listed() -> None:
    local, own = base64.b64decode(KEY), "Vt4RkZp8QmXw2LcYs6HdJb1NgFe9UoAi"
    assert production(master_key=KEY).index_secrets() == [local]
    listed = production(master_key=KEY, index_key=f"{own},from-master")
    assert listed.index_secrets() == [own.encode(), local]
    with pytest.raises(ValidationError, match="LINKWORK_INDEX_KEY is too short"):
        production(master_key=KEY, index_key="hunter2")
    with pytest.raises(ValidationError, match="LINKWORK_SESSION_KEY and LINKWORK_INDEX_KEY are equal"):
        production(master_key=KEY, index_key=PRODUCTION["session_key"])


def test_a_master_key_in_a_token_asks_for_its_library() -> None:
    place = "pkcs11:token=linkwork;object=master"
    with pytest.raises(ValidationError, match="LINKWORK_PKCS11_MODULE is not set"):
        production(master_key=place)
    with pytest.raises(ValidationError, match="LINKWORK_INDEX_KEY is not set"):
        production(master_key=place, pkcs11_module=Path("/usr/lib/some.so"))
    both = production(master_key=f"{place},{KEY}", pkcs11_module=Path("/usr/lib/some.so"))
    assert both.local_master_keys() == [base64.b64decode(KEY)]
