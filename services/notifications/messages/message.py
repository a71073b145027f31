"""A message that a story calls for: what it says, to whom, about what, and from when until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Template(StrEnum):
    """What a message says."""

    BOOKED = "booked"
    REBOOKED = "rebooked"
    CANCELLED = "cancelled"
    REMINDER = "reminder"
    NO_APPOINTMENT_YET = "no_appointment_yet"
    RETURNED = "returned"
    """The referral was sent back to whoever made it, with a reason to be read after signing in."""
    ASKED = "asked"
    """A service is asked to take somebody."""


class Recipient(StrEnum):
    """Whom it is for: a part in the story, never an address."""

    PERSON = "person"
    LINK_WORKER = "link_worker"
    REFERRER = "referrer"
    SERVICE = "service"


class MessageName(NamedTuple):
    """The natural key of a message within its referral: each is asked for once, and sent once.

    `about` is a meeting, a prescription, the fact by which a referral was sent back, or for "no appointment
    yet" the day that was promised.
    """

    template: Template
    recipient: Recipient
    about: str

    def __str__(self) -> str:
        return f"{self.template}.{self.recipient}.{self.about}"

    @classmethod
    def parse(cls, text: str) -> "MessageName":
        """The name that `str` wrote. Raises ValueError for anything else."""
        template, recipient, about = text.split(".", 2)
        return cls(Template(template), Recipient(recipient), about)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the story as it stands calls for. All times are aware."""

    name: MessageName
    news: datetime
    """When the fact that it tells of was said."""
    until: datetime
    """From then on it is of no use to anybody."""
    not_before: datetime | None = None
    """A reminder has a time of its own; None is as soon as may be."""
    settles: bool = False
    """The news may be changed in the next moments, by whoever is still sitting there: wait a little."""
    after: MessageName | None = None
    """Only for whom this one was sent before, or is being sent."""
