"""What a gateway is asked for.

Every send carries a permanent reference: the same message again has the same one, so that a gateway, or the
receiver's mailbox, can tell a repeat. A gateway raises `NotNow` for what may succeed later, `NoAnswer` where
it seems to hang, and `Never` with a code for what cannot; none of them says a word of the address or the
text. A letter or a notification service is one more class with one of these two methods.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.delivery.model.errors import NotNow

# An answer that comes after this costs a repeat of the message, so both are as long as can be: well below the
# time for which one process holds a message.
GATEWAY_SECONDS: Final = 20.0
STEP_SECONDS: Final = 10.0


class NoAnswer(NotNow):
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
