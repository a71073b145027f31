"""A community service as matching uses it: clean values, whatever the feed was like."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events.models import Ref
from shared.contract.events.vocabulary import Need, SensitiveNeed


class Status(StrEnum):
    """What the feed says of a service; only an active one is offered to anybody."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"
    UNKNOWN = "unknown"


class Capacity(StrEnum):
    """Whether a service takes people now, in the codes of HL7 SDOH Clinical Care."""

    CAPACITY = "capacity"
    NO_CAPACITY = "no-capacity"
    WAITLIST = "waitlist"
    ADDITIONAL_ASSESSMENT = "additional-assessment-required"


class Audience(StrEnum):
    """Whom a service is for, where it is for people of one sex."""

    MEN = "men"
    WOMEN = "women"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cost(_Value):
    """What one pays: pounds, None where the feed names no sum."""

    amount: Decimal | None
    text: str

    @property
    def words(self) -> str:
        """Free, £3.50 a session, or the feed's own words."""
        if self.amount is None:
            return self.text
        if self.amount == 0:
            return "Free"
        return f"£{self.amount:.2f} {self.text}".replace(".00 ", " ").strip()


class Location(_Value):
    """Where it is held. `position` is (lat, lon) in degrees; None where nothing gives it."""

    name: str
    address: str
    postcode: str | None
    position: tuple[float, float] | None
    step_free: bool | None
    virtual: bool = False


class Schedule(_Value):
    """The times at which it is held.

    `rule` is an RFC 5545 RRULE by the clocks of `timezone`, counted from `start`; None where the feed's own
    cannot be honoured in full. No session is before `valid_from` nor after `until`.
    """

    rule: str | None
    start: date | None
    until: date | None
    opens_at: time | None
    closes_at: time | None
    text: str
    place: str = ""
    """The name of the place where it is held at these times; "" for all places of the service."""
    valid_from: date | None = None
    timezone: str = "Europe/London"


class Service(_Value):
    """One service. All texts are plain, never HTML; `id` is stable for the same record of the same feed."""

    id: Ref
    record: str
    name: str
    organisation: str | None
    description: str
    alert: str
    status: Status
    capacity: Capacity | None
    needs: tuple[Need, ...]
    sensitive_needs: tuple[SensitiveNeed, ...]
    schedules: tuple[Schedule, ...]
    costs: tuple[Cost, ...]
    minimum_age: Annotated[int, Field(ge=0, le=130)] | None
    maximum_age: Annotated[int, Field(ge=0, le=130)] | None
    accessibility: str
    languages: tuple[str, ...]
    """ISO 639 codes beside English, as far as the feed gives them."""
    locations: tuple[Location, ...]
    assured_on: date | None
    email: str | None
    """The organisation's address for one-tap asks."""
    telephone: str | None
    url: str | None
    audience: Audience | None = None
    """None: for everybody, or its listing does not say."""

    @property
    def offered(self) -> bool:
        """Whether anybody may be sent there."""
        return self.status is Status.ACTIVE

    @property
    def step_free(self) -> bool | None:
        """True where some place is step-free, False where all are known not to be, else None."""
        answers = {place.step_free for place in self.locations}
        return True if True in answers else False if answers == {False} else None

    @property
    def free(self) -> bool | None:
        """None where the feed says nothing of the cost."""
        amounts = [cost.amount for cost in self.costs if cost.amount is not None]
        return min(amounts) == 0 if amounts else None

    def takes_age(self, age: int) -> bool:
        """Whether someone of that age may come, as far as the feed says."""
        return (self.minimum_age or 0) <= age <= (self.maximum_age if self.maximum_age is not None else 130)

    def months_since_assured(self, today: date) -> int | None:
        """Whole months since somebody last checked the entry; None where nobody says."""
        if self.assured_on is None:
            return None
        months = (today.year - self.assured_on.year) * 12 + today.month - self.assured_on.month
        return months - (today.day < self.assured_on.day)
