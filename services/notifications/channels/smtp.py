"""Sends e-mail by SMTP."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from aiosmtplib import errors

from services.notifications.channels.gateway import STEP_TIMEOUT_SECONDS, GatewayTimeout, Mail
from services.notifications.settings import NotificationsSettings
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.platform.clock import Clock
from shared.platform.web.mail import hand_over

_PERMANENT: Final = 500


class SmtpGateway:
    """A mail server. The Message-ID is made from the permanent reference, so a repeat has the same one."""

    def __init__(self, settings: NotificationsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def send_mail(self, mail: Mail, reference: str) -> str:
        """Hands the mail to the server and returns its Message-ID.

        Raises:
            RetryLater: the server cannot be reached, or refuses for the time being.
            PermanentFailure: the server refuses the address or the mail for good.
        """
        message = self._compose(mail, reference)
        try:
            await hand_over(message, self._settings, STEP_TIMEOUT_SECONDS)
        # Each of these errors quotes the address, so the chain of causes ends here.
        except errors.SMTPRecipientsRefused as refused:
            if any(each.code < _PERMANENT for each in refused.recipients):
                raise RetryLater from None
            raise PermanentFailure("address_refused") from None
        except errors.SMTPDataError as refused:
            if refused.code < _PERMANENT:
                raise RetryLater from None
            raise PermanentFailure("mail_refused") from None
        except ValueError:
            raise PermanentFailure("address_refused") from None
        except TimeoutError:
            raise GatewayTimeout from None
        except (errors.SMTPException, OSError):
            raise RetryLater from None
        return str(message["Message-ID"])

    def _compose(self, mail: Mail, reference: str) -> EmailMessage:
        domain = self._settings.mail_from.rpartition("@")[2]
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = self._settings.mail_from
            message["To"] = mail.to
            message["Subject"] = mail.subject
            message["Date"] = format_datetime(self._clock())
            message["Message-ID"] = f"<{reference}@{domain}>"
            # Automatic replies must not answer this.
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(mail.body)
        except ValueError:
            raise PermanentFailure("address_refused") from None
        return message
