"""The interface of a gateway that sends messages.

Every send carries a permanent reference. A repeat of the same message has the same reference, so that the
gateway or the receiver's mailbox can recognise it.

Raises:
    RetryLater: the message may succeed later; `GatewayTimeout` if the gateway seems to hang.
    PermanentFailure: the message cannot be sent; its code gives the reason.

No error quotes the address or the text. Another kind of gateway is one more class with one method.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.delivery.model.errors import RetryLater

# A timeout costs a repeat of the message, so both are long. Both stay well below the lease under which one
# process holds a message.
SEND_TIMEOUT_SECONDS: Final = 20.0
STEP_TIMEOUT_SECONDS: Final = 10.0


class GatewayTimeout(RetryLater):
    """The gateway did not answer in time."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail in plain text. The receiver's address and the text stay out of every repr."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)


class MailGateway(Protocol):
    """Sends e-mails."""

    async def send_mail(self, mail: Mail, reference: str) -> str:
        """Sends the mail and returns the gateway's own reference.

        Raises RetryLater or PermanentFailure.
        """
        ...


class TextMessageGateway(Protocol):
    """Sends text messages."""

    async def send_text(self, to: str, body: str, reference: str) -> str:
        """Sends a text, `to` in E.164, and returns the gateway's own reference.

        Raises RetryLater or PermanentFailure.
        """
        ...
