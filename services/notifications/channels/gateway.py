"""What a gateway is asked for.

Every send carries a permanent reference. A repeat of the same message has the same reference, so that the
gateway or the receiver's mailbox can recognise it.

Raises:
    RetryLater: the message may succeed later; `NoAnswer` if the gateway seems to hang.
    PermanentFailure: the message cannot be sent; its code says why.

No error quotes the address or the text. Another kind of gateway is one more class with one method.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.delivery.model.errors import RetryLater

# An answer that comes after this costs a repeat of the message, so both are as long as can be: well below the
# time for which one process holds a message.
GATEWAY_SECONDS: Final = 20.0
STEP_SECONDS: Final = 10.0


class NoAnswer(RetryLater):
    """The gateway was not heard of in time."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail in plain text. The receiver's address and the text stay out of every repr."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)


class MailGateway(Protocol):
    async def send_mail(self, mail: Mail, reference: str) -> str:
        """Hands the mail over; gives the gateway's own reference. Raises NotNow or Never."""
        ...


class TextGateway(Protocol):
    async def send_text(self, to: str, body: str, reference: str) -> str:
        """Hands a text over, `to` in E.164; gives the gateway's own reference. Raises NotNow or Never."""
        ...
