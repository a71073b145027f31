"""A community service as matching uses it, with validated values."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events.models import Ref
from shared.contract.events.vocabulary import Need, SensitiveNeed


class Status(StrEnum):
    """The status that the feed gives a service. Only an active service is offered."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"
    UNKNOWN = "unknown"


class Capacity(StrEnum):
    """The capacity of a service now, in the codes of HL7 SDOH Clinical Care."""

    CAPACITY = "capacity"
    NO_CAPACITY = "no-capacity"
    WAITLIST = "waitlist"
    ADDITIONAL_ASSESSMENT = "additional-assessment-required"


class Audience(StrEnum):
    """The people whom a service is for, if it is for one sex."""

    MEN = "men"
    WOMEN = "women"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cost(_Value):
    """A price. `amount` is in pounds; None if the feed names no sum."""

    amount: Decimal | None
    text: str

    @property
    def words(self) -> str:
        """The price for a reader: Free, £3.50 a session, or the feed's own words."""
        if self.amount is None:
            return self.text
        if self.amount == 0:
            return "Free"
        return f"£{self.amount:.2f} {self.text}".replace(".00 ", " ").strip()


class Location(_Value):
    """A place of a service. `position` is (latitude, longitude) in degrees; None if not known."""

    name: str
    address: str
    postcode: str | None
    position: tuple[float, float] | None
    step_free: bool | None
    virtual: bool = False


class Schedule(_Value):
    """The times of a service's sessions.

    `rule` is an RFC 5545 RRULE in local time of `timezone`, counted from `start`; None if the feed's rule
    cannot be honoured completely. No session is before `valid_from` or after `until`.
    `place` is the name of the place with these times; "" for all places of the service.
    """

    rule: str | None
    start: date | None
    until: date | None
    opens_at: time | None
    closes_at: time | None
    text: str
    place: str = ""
    valid_from: date | None = None
    timezone: str = "Europe/London"


class Service(_Value):
    """One service. All texts are plain, never HTML. `id` is stable for the same record of the same feed.

    `languages` are ISO 639 codes beside English. `email` is the address for one-tap links. `audience` is
    None for all people, or if the listing does not say.
    """

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
    locations: tuple[Location, ...]
    assured_on: date | None
    email: str | None
    telephone: str | None
    url: str | None
    audience: Audience | None = None

    @property
    def offered(self) -> bool:
        """True if a link worker may prescribe the service."""
        return self.status is Status.ACTIVE

    @property
    def step_free(self) -> bool | None:
        """True if some place is step-free, False if all are known not to be, else None."""
        answers = {place.step_free for place in self.locations}
        return True if True in answers else False if answers == {False} else None

    @property
    def free(self) -> bool | None:
        """True if some price is zero; None if the feed gives no price."""
        amounts = [cost.amount for cost in self.costs if cost.amount is not None]
        return min(amounts) == 0 if amounts else None

    def takes_age(self, age: int) -> bool:
        """True unless the feed's age limits exclude that age."""
        return (self.minimum_age or 0) <= age <= (self.maximum_age if self.maximum_age is not None else 130)

    def months_since_assured(self, today: date) -> int | None:
        """Whole months since the entry was last checked; None if the feed does not say."""
        if self.assured_on is None:
            return None
        months = (today.year - self.assured_on.year) * 12 + today.month - self.assured_on.month
        return months - (today.day < self.assured_on.day)
