"""A message that a referral calls for: its template, recipient, subject matter and times."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Template(StrEnum):
    """The content of a message.

    RETURNED tells the referrer that the referral was sent back, with a reason to read after signing in. ASKED
    asks a community service to take a person.
    """

    BOOKED = "booked"
    REBOOKED = "rebooked"
    CANCELLED = "cancelled"
    REMINDER = "reminder"
    NO_APPOINTMENT_YET = "no_appointment_yet"
    RETURNED = "returned"
    ASKED = "asked"


class Recipient(StrEnum):
    """The receiver of a message: a role in the referral, never an address."""

    PERSON = "person"
    LINK_WORKER = "link_worker"
    REFERRER = "referrer"
    SERVICE = "service"


class MessageName(NamedTuple):
    """The natural key of a message within its referral. Each is scheduled once and sent once.

    `about` is a meeting, a prescription, or the fact by which a referral was sent back. For "no appointment
    yet" `about` is the day that was promised.
    """

    template: Template
    recipient: Recipient
    about: str

    def __str__(self) -> str:
        return f"{self.template}.{self.recipient}.{self.about}"

    @classmethod
    def parse(cls, text: str) -> "MessageName":
        """Reads a name that `str` wrote. Raises ValueError for any other text."""
        template, recipient, about = text.split(".", 2)
        return cls(Template(template), Recipient(recipient), about)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a referral calls for in its present state. All times are aware.

    Attributes:
        news_at: when the fact behind the message was recorded.
        expires_at: from then on the message is useless.
        not_before: the time of a reminder; None sends as soon as possible.
        may_change: the fact may be changed within moments by the person who recorded it, so sending waits.
        follows: send only where this earlier message was sent, or is being sent.
    """

    name: MessageName
    news_at: datetime
    expires_at: datetime
    not_before: datetime | None = None
    may_change: bool = False
    follows: MessageName | None = None
