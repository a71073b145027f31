"""Mail on its way out: which server takes it, and how it is handed over."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from pydantic import SecretStr, field_validator

from shared.platform.people.mailbox import is_mailbox, parse_mailbox
from shared.platform.web.settings import ServiceSettings, setting

Encryption = Literal["", "none", "starttls", "implicit"]


class MailSettings(ServiceSettings):
    """The variables of services that send mail."""

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

    @field_validator("mail_from")
    @classmethod
    def _one_mailbox(cls, given: str) -> str:
        return parse_mailbox(given)

    def problems(self) -> Iterator[str]:
        """As of ServiceSettings."""
        yield from super().problems()
        if self.smtp_encryption == "none":
            yield "LINKWORK_SMTP_ENCRYPTION is none: mail names people's appointments and needs encryption."
        if self.mail_from.rpartition("@")[2].endswith(".example"):
            yield "LINKWORK_MAIL_FROM is an invented address: nobody can answer, and servers refuse it."

    @property
    def mail_encryption(self) -> Encryption:
        """The encryption of mail on its way to the server."""
        return self.smtp_encryption or ("none" if self.env == "development" else "starttls")


async def hand_over(message: EmailMessage, settings: MailSettings, seconds: float) -> None:
    """Gives the message to the mail server, which has `seconds` for each step.

    It goes to exactly one mailbox, wherever its address came from: another service or a partner may have
    taken one that we would not.

    Raises:
        aiosmtplib.errors.SMTPException, OSError, ValueError: it was not taken. Each may quote the address.
    """
    reader = str(message["To"] or "")
    if not is_mailbox(reader) or message["Cc"] is not None or message["Bcc"] is not None:
        raise ValueError("not one mailbox")
    server = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password.get_secret_value() or None,
        use_tls=settings.mail_encryption == "implicit",
        start_tls=settings.mail_encryption == "starttls",
        timeout=seconds,
    )
    try:
        await server.connect()
        await server.send_message(message, recipients=[reader])
    except BaseException:
        server.close()
        raise
    # The mail is taken. A farewell that is slow or fails must not look like a mail to send again.
    leaving = asyncio.create_task(_leave(server))
    _LEAVING.add(leaving)
    leaving.add_done_callback(_LEAVING.discard)


_LEAVING: set[asyncio.Task[None]] = set()


async def _leave(server: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.errors.SMTPException, OSError):
        await server.quit()
    server.close()
