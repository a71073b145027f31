"""Settings of the referral service beside those that all services share."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import SecretStr, model_validator

from services.referral.vault_settings import VaultSettings
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, password_of
from shared.platform.web.settings import address, setting


class ReferralSettings(VaultSettings):
    """Settings of the referral service."""

    service: ClassVar[str] = "referral"

    port: int = setting(8101, description="Port to listen on.", example="8101", ge=1, le=65535)
    admission_user: str = setting(
        "",
        description="Admission's own user at Kafka, which reads partners' inboxes; empty: the service's.",
        example="admission",
    )
    admission_password: SecretStr = setting(
        SecretStr(""), description="The password of that user.", example="(a secret)"
    )
    admission_password_file: Path | None = setting(
        None,
        description="A file that holds that password, in place of the variable.",
        example="/run/secrets/kafka-admission",
    )
    booking_wait_seconds: float = setting(
        2.0,
        description="Seconds that a new referral's page waits for its meeting.",
        example="2",
        ge=0,
        le=10,
    )
    in_touch_days: int = setting(
        3,
        description="Working days within which a person without an appointment hears from us.",
        example="3",
        ge=1,
        le=30,
    )
    identity_conflicts: int = setting(
        10,
        description=(
            "Answers in an hour that tell one caller that a person is known elsewhere or is another person."
            " After that, 429."
        ),
        example="10",
        ge=1,
        le=1000,
    )
    searches_an_hour: int = setting(
        120,
        description="Searches for people by one caller in an hour. After that, 429.",
        example="120",
        ge=1,
        le=10_000,
    )
    admission: bool = setting(
        True,
        description=(
            "Judge the records of partners' inboxes in this process. Off where `python -m"
            " services.referral.partners` does it."
        ),
        example="0",
    )
    admission_records_a_second: float = setting(
        200.0,
        description="Records of one partner's source judged in a second, so that no flood delays another.",
        example="200",
        ge=1,
        le=100_000,
    )
    notifications_url: str = address(
        "http://127.0.0.1:8103",
        description="The notifications service, as this service reaches it for its audit.",
        example="http://notifications:8103",
        reach="inside",
    )
    evaluation_url: str = address(
        "http://127.0.0.1:8104",
        description="The evaluation service, as this service reaches it for its audit.",
        example="http://evaluation:8104",
        reach="inside",
    )
    heartbeat_seconds: float = setting(
        900.0,
        description="Seconds between two heartbeats of a sandbox: a story that plays by itself. 0: none.",
        example="900",
        ge=0,
        le=86_400,
    )

    @model_validator(mode="after")
    def _users_are_whole(self) -> Self:
        _ = self.admission_kafka
        return self

    @property
    def admission_kafka(self) -> KafkaConnection:
        """The connection of admission, under its own user if it has one.

        Raises:
            BadKafkaSettings: the settings contradict each other.
        """
        if not self.admission_user:
            return self.kafka
        name = "LINKWORK_ADMISSION_PASSWORD"
        password = password_of(name, self.admission_password, self.admission_password_file)
        if not (self.kafka.has_user and password.get_secret_value()):
            raise BadKafkaSettings(
                f"LINKWORK_ADMISSION_USER asks for {name}, and for SASL in LINKWORK_KAFKA_SECURITY_PROTOCOL."
            )
        return self.kafka.as_user(self.admission_user, password)
