"""The settings of the connection to Kafka: what they make, and how contradictions are named."""

import os
import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.referral.settings import ReferralSettings
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from
from shared.platform.web.settings import PREFIX, ServiceSettings, load
from tests.harness.web.production import PRODUCTION, variables

SASL = {
    "LINKWORK_KAFKA_BOOTSTRAP": "one:9092,two:9092",
    "LINKWORK_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "LINKWORK_KAFKA_USER": "matching",
    "LINKWORK_KAFKA_PASSWORD": "a password of many letters",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only what a test sets."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    return monkeypatch


def test_user_becomes_scram_for_both_kinds_of_client() -> None:
    kafka = connection_from(SASL)
    assert kafka.client_arguments() == {
        "bootstrap_servers": "one:9092,two:9092",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "matching",
        "sasl_plain_password": "a password of many letters",
    }
    framework = kafka.faststream_arguments()
    assert framework["bootstrap_servers"] == ["one:9092", "two:9092"]
    security = framework["security"]
    assert (security.username, security.password, security.use_ssl) == (
        "matching",
        "a password of many letters",
        False,
    )
    assert "password of" not in repr(kafka)


def test_settings_of_a_connection_make_it_again() -> None:
    kafka = connection_from(SASL)
    assert connection_from(kafka.environment()) == kafka
    assert connection_from({}) == KafkaConnection("localhost:9092")


def test_tls_checks_the_brokers_name_in_both_kinds() -> None:
    kafka = KafkaConnection("kafka:9093", "SASL_SSL", "matching", SecretStr("secret"))
    for context in (
        kafka.client_arguments()["ssl_context"],
        kafka.faststream_arguments()["security"].ssl_context,
    ):
        assert isinstance(context, ssl.SSLContext)
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
    by_certificate = KafkaConnection("kafka:9093", "SSL")
    assert by_certificate.faststream_arguments()["security"].use_ssl
    assert "sasl_mechanism" not in by_certificate.client_arguments()
    assert KafkaConnection("kafka:9092").faststream_arguments()["security"] is None


def test_password_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\n")
    given = {name: value for name, value in SASL.items() if not name.endswith("PASSWORD")}
    kafka = connection_from(given | {"LINKWORK_KAFKA_PASSWORD_FILE": str(file)})
    assert kafka.password.get_secret_value() == "from a file"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"KAFKA_PASSWORD": ""}, "asks for LINKWORK_KAFKA_USER and LINKWORK_KAFKA_PASSWORD: set both"),
        ({"KAFKA_USER": ""}, "asks for LINKWORK_KAFKA_USER and LINKWORK_KAFKA_PASSWORD: set both"),
        ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "is set and not used"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "is none of PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL"),
        ({"KAFKA_CA_FILE": __file__}, "A certificate for Kafka is set and not used"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_CERTIFICATE_FILE": __file__}, "belong together"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_CA_FILE": "/nowhere"}, "_CA_FILE names no file"),
        ({"KAFKA_PASSWORD_FILE": "/nowhere"}, "are both set: leave one out"),
        ({"KAFKA_PASSWORD": "", "KAFKA_PASSWORD_FILE": "/nowhere"}, "_PASSWORD_FILE names no file"),
    ],
)
def test_contradiction_is_one_sentence(
    changed: dict[str, str], said: str, environment: pytest.MonkeyPatch
) -> None:
    given = SASL | {PREFIX + name: value for name, value in changed.items()}
    with pytest.raises(BadKafkaSettings, match=said) as caught:
        connection_from(given)
    assert str(caught.value).count(". ") == 0
    assert "many letters" not in str(caught.value)
    if changed.get("KAFKA_SECURITY_PROTOCOL") != "TLS":
        for name, value in (given | {"LINKWORK_ENV": "development"}).items():
            environment.setenv(name, value)
        with pytest.raises(SystemExit, match=said):
            load(ServiceSettings)


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("PLAINTEXT", "LINKWORK_KAFKA_SECURITY_PROTOCOL is PLAINTEXT: production takes SASL_SSL"),
        ("SASL_PLAINTEXT", "LINKWORK_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT: production takes SASL_SSL"),
        ("SSL", "a broker would not know who calls"),
    ],
)
def test_production_refuses_an_open_connection(
    protocol: str, said: str, environment: pytest.MonkeyPatch
) -> None:
    given = variables(kafka_security_protocol=protocol)
    if not protocol.startswith("SASL"):
        given |= {"LINKWORK_KAFKA_USER": "", "LINKWORK_KAFKA_PASSWORD": ""}
    for name, value in given.items():
        environment.setenv(name, value)
    with pytest.raises(SystemExit, match=said):
        load(ServiceSettings)


def test_production_takes_tls_with_a_strong_password(environment: pytest.MonkeyPatch) -> None:
    for name, value in variables().items():
        environment.setenv(name, value)
    assert load(ServiceSettings).kafka.password.get_secret_value() == PRODUCTION["kafka_password"]
    environment.setenv("LINKWORK_KAFKA_PASSWORD", "aaaaaaaaaaaaaaaaaaaaaaaa")
    with pytest.raises(SystemExit, match="LINKWORK_KAFKA_PASSWORD is easy to guess"):
        load(ServiceSettings)


def test_admission_has_a_user_of_its_own(environment: pytest.MonkeyPatch) -> None:
    for name, value in (SASL | {"LINKWORK_ENV": "development"}).items():
        environment.setenv(name, value)
    assert load(ReferralSettings).admission_kafka == load(ReferralSettings).kafka
    environment.setenv("LINKWORK_ADMISSION_USER", "admission")
    with pytest.raises(SystemExit, match="LINKWORK_ADMISSION_USER asks for LINKWORK_ADMISSION_PASSWORD"):
        load(ReferralSettings)
    environment.setenv("LINKWORK_ADMISSION_PASSWORD", "another password")
    own = load(ReferralSettings).admission_kafka
    assert (own.user, own.password.get_secret_value()) == ("admission", "another password")
    assert own.bootstrap == SASL["LINKWORK_KAFKA_BOOTSTRAP"]
