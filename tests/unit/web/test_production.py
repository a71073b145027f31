"""Production refuses what is fit for a trial only, and names all of it in one line."""

import re
from base64 import b64encode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from services.evaluation.settings import EvaluationSettings
from services.matching.settings import MatchingSettings
from services.notifications.settings import NotificationsSettings
from services.referral.settings import ReferralSettings
from shared.platform.web.production import is_trivial
from shared.platform.web.settings import ServiceSettings, load
from tests.harness.web.production import variables

ALL: tuple[type[ServiceSettings], ...] = (
    ReferralSettings,
    MatchingSettings,
    NotificationsSettings,
    EvaluationSettings,
)


def refusal(
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, str],
    settings: type[ServiceSettings] = NotificationsSettings,
) -> str:
    for name, value in variables(**more).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        load(settings)
    return str(refused.value)


@pytest.mark.parametrize("settings", ALL)
def test_good_settings_are_taken(monkeypatch: pytest.MonkeyPatch, settings: type[ServiceSettings]) -> None:
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    assert load(settings).env == "production"


@pytest.mark.parametrize(
    "name", ["public_url", "issuer", "discovery_url", "jwks_url", "token_url", "sms_url", "matching_url"]
)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://linkwork.nhs.test", "http"),
        ("ftp://linkwork.nhs.test", "not https"),
        ("linkwork.nhs.test", "not https"),
        ("https://", "names no host"),
        ("https://linkwork.nhs.test/dev/issuer", "development issuer"),
        ("https://linkwork.nhs.test/dev/sms", "development issuer"),
        ("https://asha:hunter2@linkwork.nhs.test", "user name"),
    ],
)
def test_an_unfit_address_is_named(monkeypatch: pytest.MonkeyPatch, name: str, url: str, said: str) -> None:
    refused = refusal(monkeypatch, {name: url})
    assert f"LINKWORK_{name.upper()}" in refused
    assert said in refused
    assert "hunter2" not in refused


@pytest.mark.parametrize("name", ["referral_url", "matching_url"])
def test_services_may_use_http_in_a_trusted_network(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    inside = {name: "http://matching:8102"}
    assert "LINKWORK_TRUSTED_NETWORK" in refusal(monkeypatch, inside)
    monkeypatch.setenv("LINKWORK_TRUSTED_NETWORK", "1")
    assert load(NotificationsSettings).trusted_network


@pytest.mark.parametrize("name", ["public_url", "issuer", "jwks_url", "token_url", "sms_url"])
def test_trust_is_for_calls_between_services_only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert f"LINKWORK_{name.upper()} is not https" in refusal(
        monkeypatch, {"trusted_network": "1", name: "http://10.0.0.5/x"}
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://localhost", "this machine"),
        ("https://127.0.0.1:8080", "this machine"),
        ("https://linkwork.nhs.test/", "after the host"),
        ("https://linkwork.nhs.test/app?x=1", "after the host"),
    ],
)
def test_the_public_address_is_a_public_host(monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    assert said in refusal(monkeypatch, {"public_url": url})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"smtp_encryption": "none"}, "LINKWORK_SMTP_ENCRYPTION is none"),
        ({"mail_from": "appointments@linkwork.example"}, "LINKWORK_MAIL_FROM"),
        ({"demo": "1"}, "LINKWORK_DEMO is on"),
        ({"session_key": "x" * 40}, "LINKWORK_SESSION_KEY is easy to guess"),
        ({"smtp_password": variables()["LINKWORK_SESSION_KEY"]}, "are equal"),
        ({"sms_key": variables()["LINKWORK_CLIENT_SECRET"]}, "are equal"),
        ({"dead_letter_key": variables()["LINKWORK_SESSION_KEY"]}, "are equal"),
    ],
)
def test_what_is_for_trials_is_refused(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], said: str
) -> None:
    refused = refusal(monkeypatch, more)
    assert said in refused
    assert not any(value in refused for value in variables().values() if len(value) > 20)


def test_all_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "port": "many",
        "session_idle_minutes": "hunter2",
        "session_key": "",
        "client_secret": "short",
        "dead_letter_key": "abcdefghijklmnopqrstuvwxyz0123456789",
        "master_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "public_url": "http://localhost:8080",
        "issuer": "http://localhost:8080/dev/issuer",
        "jwks_url": "http://development:8105/dev/issuer/jwks.json",
        "matching_url": "http://matching:8100",
        "demo": "1",
    }
    refused = refusal(monkeypatch, wrong, ReferralSettings)
    assert "\n" not in refused
    assert "hunter2" not in refused
    for name in set(wrong) - {"master_key"}:
        assert f"LINKWORK_{name.upper()}" in refused, name
    assert "The master key is easy to guess" in refused


def test_development_needs_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_ENV", "development")
    monkeypatch.setenv("LINKWORK_DEMO", "1")
    for settings in ALL:
        assert load(settings).public_url == "http://localhost:8080"


def test_every_address_says_how_far_it_reaches() -> None:
    def is_address(name: str, field: FieldInfo) -> bool:
        return name == "issuer" or bool(re.search(r"(url|uri|endpoint|webhook)s?$", name))

    for settings in ALL:
        for name, field in settings.model_fields.items():
            if is_address(name, field) and name != "mongo_url":
                assert isinstance(field.json_schema_extra, dict), name
                assert field.json_schema_extra.get("reach") in ("public", "outside", "inside"), name


@pytest.mark.parametrize(
    "secret",
    [
        "x" * 64,
        "01" * 32,
        "abcd1234" * 5,
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
        "0123456789012345678901234567890123456789",
        "ChangeMe-ChangeMeNow-ChangeMe-Please",
        "this-is-only-a-password-for-the-test",
        "development-only-session-key-000002",
    ],
)
def test_a_trivial_secret_is_known(secret: str) -> None:
    assert is_trivial(secret)


@given(st.integers(0, 2**32))
def test_random_secrets_are_not_trivial(seed: int) -> None:
    made = Random(seed).randbytes(32)
    assert not is_trivial(made.decode("latin-1"))
    assert not is_trivial(made.hex())
    assert not is_trivial(b64encode(made).decode())
