"""The settings of the containers are those that the code reads, so that neither changes without the other."""

import os
import re
from pathlib import Path

import pytest

from deploy.compose import keys
from deploy.demo.settings import DemoSettings
from deploy.development.settings import DevelopmentSettings
from services.evaluation.settings import EvaluationSettings
from services.matching.settings import MatchingSettings
from services.notifications.settings import NotificationsSettings
from services.referral.settings import ReferralSettings
from shared.platform.kafka_connection import KafkaSettings
from shared.platform.web.settings import PREFIX, ServiceSettings, load
from tests.harness.deploy.compose import CONTAINERS, ROOT, SHARED_WITH_HOST, lineage, module, target

SETTINGS: dict[str, type[ServiceSettings]] = {
    "services.referral": ReferralSettings,
    "services.matching": MatchingSettings,
    "services.notifications": NotificationsSettings,
    "services.evaluation": EvaluationSettings,
    "deploy.development": DevelopmentSettings,
    "deploy.demo": DemoSettings,
}
RUN = {name: SETTINGS[module(name)] for name in CONTAINERS if name in {s.service for s in SETTINGS.values()}}


def told(container: str, **host: str) -> dict[str, str]:
    """The environment of a container, where the host has these variables."""
    image = " ".join(line for stage in lineage(target(container)) for line in stage.arguments("ENV"))
    given = dict(re.findall(r"(LINKWORK_\w+)=(\S+)", image)) | CONTAINERS[container]["environment"]
    return {
        name: SHARED_WITH_HOST.sub(lambda found: host.get(found[1], found[2]), value)
        for name, value in given.items()
        if name.startswith(PREFIX)
    }


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """The folder of passwords, as the container `keys` leaves it."""
    keys.main(tmp_path)
    return tmp_path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only what a test sets."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    return monkeypatch


def test_every_service_has_its_container() -> None:
    assert set(RUN.values()) == set(SETTINGS.values())


def test_every_variable_is_one_that_somebody_reads() -> None:
    known = {PREFIX + field.upper() for settings in RUN.values() for field in settings.model_fields}
    for name in RUN:
        assert told(name).keys() <= known, f"{name} is told what nobody reads"
    read = set(re.findall(r'"(LINKWORK_\w+)"', (ROOT / "deploy/topics.py").read_text()))
    assert {PREFIX + field.upper() for field in KafkaSettings.model_fields} <= known
    assert read <= known | {"LINKWORK_PARTITIONS", "LINKWORK_REPLICATION"}


@pytest.mark.parametrize("name", RUN)
def test_a_container_starts_with_what_it_is_told(
    name: str, environment: pytest.MonkeyPatch, volumes: Path
) -> None:
    for variable, value in told(name).items():
        environment.setenv(variable, value.replace(f"{keys.FOLDER}/", f"{volumes}/"))
    settings = load(RUN[name])
    assert settings.demo, "invented people are not marked as such"
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize("name", RUN)
def test_a_container_has_no_secret_that_would_do_in_production(
    name: str, environment: pytest.MonkeyPatch, volumes: Path
) -> None:
    for variable, value in told(name).items():
        environment.setenv(variable, value.replace(f"{keys.FOLDER}/", f"{volumes}/"))
    environment.setenv("LINKWORK_ENV", "production")
    with pytest.raises(SystemExit, match=r"LINKWORK_\w+ is not set"):
        load(RUN[name])


def test_another_port_is_in_the_addresses_for_people_too() -> None:
    elsewhere = told("referral", LINKWORK_HTTP_PORT="8180")
    assert elsewhere["LINKWORK_PUBLIC_URL"] == "http://localhost:8180"
    assert elsewhere["LINKWORK_ISSUER"] == "http://localhost:8180/dev/issuer"
    assert told("referral")["LINKWORK_PUBLIC_URL"] == "http://localhost:8080"
    defaults = dict(SHARED_WITH_HOST.findall((ROOT / "docker-compose.yml").read_text()))
    assert defaults == {"LINKWORK_HTTP_PORT": "8080", "LINKWORK_PROMETHEUS_PORT": "9090"}
    assert CONTAINERS["proxy"]["ports"] == ["127.0.0.1:${LINKWORK_HTTP_PORT:-8080}:8080"]
