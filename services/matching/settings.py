"""What the matching service is told from outside, beside what every service is told."""

from typing import ClassVar, Literal

from pydantic import SecretStr

from shared.web.settings import ServiceSettings, secret, setting

Encryption = Literal["", "none", "starttls", "implicit"]


class MatchingSettings(ServiceSettings):
    """Settings of the matching service."""

    service: ClassVar[str] = "matching"

    port: int = setting(8102, description="Port to listen on.", example="8102", ge=1, le=65535)
    directory_limit: int = setting(
        8_000_000,
        description="Largest directory in bytes: it is imported in one request.",
        example="8000000",
        ge=1_000,
    )
    link_key: SecretStr = secret(
        description="Signs the one-tap links and codes of services.",
        development="development-only-link-key-00000001",
    )
    link_days: int = setting(
        28, description="For how many days a one-tap link holds.", example="28", ge=1, le=120
    )
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

    @property
    def mail_encryption(self) -> Encryption:
        """How mail is encrypted on its way to the server."""
        return self.smtp_encryption or ("none" if self.env == "development" else "starttls")
