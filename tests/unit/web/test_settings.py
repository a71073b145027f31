"""Settings: nothing starts in production without its secrets, and no refusal quotes one."""

from typing import ClassVar

import pytest
from pydantic import SecretStr

from shared.platform.web.settings import ServiceSettings, load, secret, setting
from shared.platform.web.settings_page import settings_page, settings_table
from tests.harness.web.production import variables

SECRETS = (
    "LINKWORK_CLIENT_SECRET",
    "LINKWORK_SESSION_KEY",
    "LINKWORK_DEAD_LETTER_KEY",
    "LINKWORK_MAGIC_LINK_KEY",
)


class OwnSettings(ServiceSettings):
    """A service with a port, a secret and a choice of its own."""

    service: ClassVar[str] = "matching"
    port: int = setting(8102, description="Port of matching.", example="8102")
    magic_link_key: SecretStr = secret(description="Signs links.", development="development-only-link-key")
    longest_wait: int = setting(28, description="Days until a wait is too long.", example="28", ge=1)


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """A production environment in which everything is in order."""
    for name, value in variables().items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    with pytest.raises(SystemExit) as refused:
        load(OwnSettings)
    return str(refused.value)


def test_names_follow_from_the_service() -> None:
    settings = load(OwnSettings)

    assert (settings.database, settings.client_id, settings.port) == (
        "linkwork_matching",
        "linkwork-matching",
        8102,
    )
    assert settings.secure_cookies


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_secret_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)

    assert refusal() == f"{name} is not set: it is a secret and has no default in production."


def test_production_is_what_silence_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINKWORK_ENV")
    monkeypatch.delenv("LINKWORK_SESSION_KEY")

    assert "LINKWORK_SESSION_KEY is not set" in refusal()


def test_development_has_its_own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_ENV", "development")
    for name in SECRETS:
        monkeypatch.delenv(name)

    settings = load(OwnSettings)

    assert settings.magic_link_key.get_secret_value() == "development-only-link-key"
    assert settings.secure_cookies, "the address is https"


def test_development_secrets_do_not_pass_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_MAGIC_LINK_KEY", "development-only-link-key")

    assert refusal() == "LINKWORK_MAGIC_LINK_KEY is the development secret: production needs its own."


def test_short_secrets_do_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_MAGIC_LINK_KEY", "hunter2")

    assert refusal() == "LINKWORK_MAGIC_LINK_KEY is too short: use at least 32 characters."


def test_a_wrong_value_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_LONGEST_WAIT", "hunter2")

    assert refusal().startswith("LINKWORK_LONGEST_WAIT cannot be used")
    assert "hunter2" not in refusal()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKWORK_MONGO_URL", "mongodb://linkwork:hunter2@mongo:27017/")
    shown = repr(load(OwnSettings))

    assert not any(variables()[name] in shown for name in SECRETS)
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("value", "slugs"),
    [("all", None), ("meir", ("meir",)), (" meir, leek-werrington ,", ("meir", "leek-werrington"))],
)
def test_localities_served(
    monkeypatch: pytest.MonkeyPatch, value: str, slugs: tuple[str, ...] | None
) -> None:
    monkeypatch.setenv("LINKWORK_LOCALITIES", value)

    assert load(OwnSettings).locality_slugs() == slugs


def test_every_setting_is_described() -> None:
    for name, field in OwnSettings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def test_the_page_lists_what_a_service_adds() -> None:
    page = settings_page([OwnSettings])

    own = page.split("## matching")[1]
    assert "LINKWORK_LONGEST_WAIT" in own
    assert "LINKWORK_PORT" in own
    assert "LINKWORK_ISSUER" not in own
    assert "development-only" not in page
    assert settings_table(ServiceSettings).count("\n") == len(ServiceSettings.model_fields) + 2


def test_settings_page_shared_setting_is_listed_once() -> None:
    class Other(OwnSettings):
        service = "notifications"

    page = settings_page([OwnSettings, Other])

    assert "## matching, notifications" in page
    assert page.count("LINKWORK_LONGEST_WAIT") == 1
