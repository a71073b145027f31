"""What the notifications service is told from outside, beside what every service is told."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import SecretStr

from shared.web.settings import ServiceSettings, setting

Encryption = Literal["", "none", "starttls", "implicit"]


class NotificationsSettings(ServiceSettings):
    """Settings of the notifications service."""

    service: ClassVar[str] = "notifications"

    port: int = setting(8103, description="Port to listen on.", example="8103", ge=1, le=65535)
    smtp_host: str = setting(
        "localhost", description="Mail server that takes our e-mails.", example="smtp.example.org"
    )
    smtp_port: int = setting(8106, description="Its port.", example="587", ge=1, le=65535)
    smtp_encryption: Encryption = setting(
        "",
        description="`starttls`, `implicit` or `none`; empty means `none` in development, else `starttls`.",
        example="starttls",
    )
    smtp_user: str = setting("", description="User name at the mail server, if any.", example="linkwork")
    smtp_password: SecretStr = setting(
        SecretStr(""), description="Password at the mail server, if any.", example="(a secret)"
    )
    mail_from: str = setting(
        "appointments@linkwork.example",
        description="Address that e-mails come from. Make it say nothing of what they are about.",
        example="appointments@example.org",
    )
    sms_url: str = setting(
        "",
        description="Gateway for text messages: takes a POST of `to`, `body`, `reference`. Empty: no texts.",
        example="https://texts.example.org/send",
    )
    sms_key: SecretStr = setting(
        SecretStr(""), description="Bearer token for that gateway, if any.", example="(a secret)"
    )
    settle_seconds: float = setting(
        30.0,
        description=(
            "How long news that may still be changed at the desk (a provisional or cancelled meeting) is left"
            " to settle before anybody is told."
        ),
        example="30",
        ge=0,
        le=3600,
    )

    @property
    def mail_encryption(self) -> Encryption:
        """How mail is encrypted on its way to the server."""
        return self.smtp_encryption or ("none" if self.env == "development" else "starttls")

    @property
    def settle(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)
