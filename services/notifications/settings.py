"""Settings of the notifications service, beside those of every service."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from shared.platform.web.mail import MailSettings
from shared.platform.web.settings import address, setting


class NotificationsSettings(MailSettings):
    """Settings of the notifications service."""

    service: ClassVar[str] = "notifications"

    port: int = setting(8103, description="Port to listen on.", example="8103", ge=1, le=65535)
    sms_url: str = address(
        "",
        description="Gateway for text messages: takes a POST of `to`, `body`, `reference`. Empty: no texts.",
        example="https://texts.example.org/send",
        reach="outside",
    )
    sms_key: SecretStr = setting(
        SecretStr(""), description="Bearer token for that gateway, if any.", example="(a secret)"
    )
    notification_delay_seconds: float = setting(
        30.0,
        description=(
            "Delay before a message about news that the desk may still change, such as a provisional or"
            " cancelled meeting."
        ),
        example="30",
        ge=0,
        le=3600,
    )

    webhook_private_addresses: bool = setting(
        False,
        description=(
            "Send webhooks to private and loopback addresses too: for a receiver on this machine. Production "
            "refuses it."
        ),
        example="1",
    )
    webhook_ca_file: Path | None = setting(
        None,
        description="Certificates (PEM) that sign receivers' own, beside those of the system.",
        example="/etc/linkwork/receivers.pem",
    )

    def problems(self) -> Iterator[str]:
        """Problems of MailSettings, and of webhooks."""
        yield from super().problems()
        if self.webhook_private_addresses:
            yield (
                "LINKWORK_WEBHOOK_PRIVATE_ADDRESSES is on: a partner could make this service call our own "
                "network."
            )

    @property
    def notification_delay(self) -> timedelta:
        """The delay before news that may still change is sent."""
        return timedelta(seconds=self.notification_delay_seconds)
