"""The connection to Kafka that every client uses: addresses, identity, and how the connection is protected.

`KafkaSettings` are the variables. `KafkaConnection` is the value that they make.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, Field, SecretStr

PREFIX: Final = "LINKWORK_"
SCRAM: Final = "SCRAM-SHA-512"
SecurityProtocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL"]
_VARIABLE: Final = "LINKWORK_KAFKA_"
_NO_PASSWORD: Final = SecretStr("")


class BadKafkaSettings(ValueError):
    """Settings that make no connection. The message is one sentence, and quotes no value."""


@dataclass(frozen=True)
class KafkaConnection:
    """Addresses of the brokers, and the identity of a client. `repr` shows no password.

    Attributes:
        bootstrap: brokers, host:port, comma separated.
        user: the principal's name, if `protocol` is one of SASL.
        ca_file: certificates that sign the brokers' own; None means the system's.
        certificate_file: the client's certificate, with which a broker knows it under `SSL`.
    """

    bootstrap: str
    protocol: SecurityProtocol = "PLAINTEXT"
    user: str = ""
    password: SecretStr = _NO_PASSWORD
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def has_user(self) -> bool:
        """True if the client proves a user name, by SCRAM-SHA-512."""
        return self.protocol.startswith("SASL_")

    @property
    def is_encrypted(self) -> bool:
        """True if the connection is TLS."""
        return self.protocol.endswith("SSL")

    def at(self, bootstrap: str) -> "KafkaConnection":
        """The same identity at other addresses."""
        return replace(self, bootstrap=bootstrap)

    def as_user(self, user: str, password: SecretStr) -> "KafkaConnection":
        """The same brokers under another identity."""
        return replace(self, user=user, password=password)

    def client_arguments(self) -> dict[str, Any]:
        """The keyword arguments of every client of aiokafka.

        Raises:
            OSError: a file of a certificate cannot be used.
        """
        arguments: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protocol}
        if self.is_encrypted:
            arguments["ssl_context"] = self._tls()
        if self.has_user:
            arguments["sasl_mechanism"] = SCRAM
            arguments["sasl_plain_username"] = self.user
            arguments["sasl_plain_password"] = self.password.get_secret_value()
        return arguments

    def faststream_arguments(self) -> dict[str, Any]:
        """The keyword arguments of FastStream's `KafkaBroker`, which splits no addresses itself.

        Raises:
            OSError: a file of a certificate cannot be used.
        """
        # Imported here: commands and scripts use aiokafka alone, and FastStream is slow to import.
        from faststream.security import BaseSecurity, SASLScram512

        tls = self._tls() if self.is_encrypted else None
        security: BaseSecurity | None = BaseSecurity(ssl_context=tls) if tls else None
        if self.has_user:
            security = SASLScram512(self.user, self.password.get_secret_value(), ssl_context=tls)
        return {"bootstrap_servers": self.bootstrap.split(","), "security": security}

    def settings(self) -> dict[str, str]:
        """The settings that make this connection, by their names. They hold the password."""
        given = {
            "kafka_bootstrap": self.bootstrap,
            "kafka_security_protocol": self.protocol,
            "kafka_user": self.user,
            "kafka_password": self.password.get_secret_value(),
            "kafka_ca_file": self.ca_file,
            "kafka_certificate_file": self.certificate_file,
            "kafka_key_file": self.key_file,
        }
        return {name: str(value) for name, value in given.items() if value}

    def environment(self) -> dict[str, str]:
        """The environment variables that make this connection in another process."""
        return {PREFIX + name.upper(): value for name, value in self.settings().items()}

    def problems(self) -> Iterator[str]:
        """Contradictions, as sentences that quote no value."""
        if self.has_user and not (self.user and self.password.get_secret_value()):
            yield f"{_VARIABLE}SECURITY_PROTOCOL asks for {_VARIABLE}USER and {_VARIABLE}PASSWORD: set both."
        if not self.has_user and (self.user or self.password.get_secret_value()):
            yield (
                f"{_VARIABLE}USER or {_VARIABLE}PASSWORD is set and not used: "
                f"set {_VARIABLE}SECURITY_PROTOCOL to SASL_SSL, or leave them out."
            )
        if not self.is_encrypted and (self.ca_file or self.certificate_file or self.key_file):
            yield (
                f"A certificate for Kafka is set and not used: set {_VARIABLE}SECURITY_PROTOCOL "
                "to SASL_SSL or SSL, or leave it out."
            )
        if bool(self.certificate_file) != bool(self.key_file):
            yield f"{_VARIABLE}CERTIFICATE_FILE and {_VARIABLE}KEY_FILE belong together: set both."
        for name in ("ca_file", "certificate_file", "key_file"):
            file: Path | None = getattr(self, name)
            if file is not None and not file.is_file():
                yield f"{_VARIABLE}{name.upper()} names no file that can be read."

    def problems_in_production(self) -> Iterator[str]:
        """Reasons against this connection in production, as sentences that quote no value."""
        if not self.is_encrypted:
            yield (
                f"{_VARIABLE}SECURITY_PROTOCOL is {self.protocol}: production takes SASL_SSL, "
                "or SSL with a client certificate."
            )
        elif not self.has_user and not self.certificate_file:
            yield (
                f"{_VARIABLE}SECURITY_PROTOCOL is SSL without {_VARIABLE}CERTIFICATE_FILE: "
                "a broker would not know who calls."
            )

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


class KafkaSettings(BaseModel):
    """The variables of the connection to Kafka, which every process knows by the same names."""

    kafka_bootstrap: str = Field(
        "localhost:9092",
        description="Kafka brokers, host:port, comma separated.",
        examples=["kafka:9092"],
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT",
        description=(
            f"`{'`, `'.join(get_args(SecurityProtocol))}`. Production takes `SASL_SSL`, or `SSL` with a "
            "client certificate."
        ),
        examples=["SASL_SSL"],
    )
    kafka_user: str = Field(
        "", description=f"The service's own user at Kafka, under SASL ({SCRAM}).", examples=["matching"]
    )
    kafka_password: SecretStr = Field(
        SecretStr(""), description="The password of that user.", examples=["(a secret)"]
    )
    kafka_password_file: Path | None = Field(
        None,
        description="A file that holds the password, in place of the variable.",
        examples=["/run/secrets/kafka-matching"],
    )
    kafka_ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) that sign the brokers'; empty means the system's.",
        examples=["/etc/kafka/ca.pem"],
    )
    kafka_certificate_file: Path | None = Field(
        None,
        description="The client's certificate (PEM), by which a broker knows the service under `SSL`.",
        examples=["/etc/kafka/matching.pem"],
    )
    kafka_key_file: Path | None = Field(
        None, description="The private key of that certificate.", examples=["/etc/kafka/matching.key"]
    )

    @property
    def kafka(self) -> KafkaConnection:
        """The connection that these settings make.

        Raises:
            BadKafkaSettings: they contradict each other.
        """
        connection = KafkaConnection(
            self.kafka_bootstrap,
            self.kafka_security_protocol,
            self.kafka_user,
            password_of(f"{_VARIABLE}PASSWORD", self.kafka_password, self.kafka_password_file),
            self.kafka_ca_file,
            self.kafka_certificate_file,
            self.kafka_key_file,
        )
        if problems := list(connection.problems()):
            raise BadKafkaSettings(" ".join(problems))
        return connection


def password_of(variable: str, given: SecretStr, file: Path | None) -> SecretStr:
    """The password of this variable, or of the file that stands in its place.

    Raises:
        BadKafkaSettings: both are set, or the file cannot be read.
    """
    if file is None:
        return given
    if given.get_secret_value():
        raise BadKafkaSettings(f"{variable} and {variable}_FILE are both set: leave one out.")
    try:
        return SecretStr(file.read_text().strip())
    except (OSError, UnicodeDecodeError):
        raise BadKafkaSettings(f"{variable}_FILE names no file that can be read.") from None


def connection_from(environment: Mapping[str, str]) -> KafkaConnection:
    """The connection that these environment variables make.

    Raises:
        BadKafkaSettings: they contradict each other, or one cannot be used.
    """
    given = {name: environment.get(PREFIX + name.upper()) for name in KafkaSettings.model_fields}
    if (protocol := given["kafka_security_protocol"]) and protocol not in get_args(SecurityProtocol):
        raise BadKafkaSettings(
            f"{_VARIABLE}SECURITY_PROTOCOL is none of {', '.join(get_args(SecurityProtocol))}."
        )
    return KafkaSettings.model_validate({name: value for name, value in given.items() if value}).kafka
