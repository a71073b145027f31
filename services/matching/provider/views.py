"""Values that a community service is shown through its one-tap link."""

from dataclasses import dataclass
from datetime import date, datetime

from services.matching.directory.availability import Availability
from services.matching.directory.views import Sessions
from shared.contract.events import vocabulary as v


@dataclass(frozen=True, slots=True)
class ServiceAsk:
    """What a service sees through its one-tap link: no identity.

    `access_needs` are there only where the person agreed to be introduced. `answered` is the answer given so
    far. `may_reveal`: after a yes, name and telephone can be shown against a code.
    """

    locality: str
    referral_id: str
    prescription_id: str
    service_id: str
    service: str
    need: v.Need
    age_band: v.AgeBand | None
    area: str | None
    """Outward postcode."""
    language: str
    interpreter: bool
    access_needs: tuple[v.AccessNeed, ...]
    answered: v.Reply | None
    weeks: int | None
    not_suitable: v.NotSuitableReason | None
    started: bool
    closed: bool
    """The case has ended: nothing is awaited any more."""
    may_reveal: bool
    shared: bool
    """The person agreed that this service gets name and telephone."""
    seen_at: datetime | None
    """When it last saw them."""
    link_worker: str | None
    """Whom the service can ask: the link worker's name as they give it at work, and their number to ring."""
    link_worker_telephone: str | None
    expires_at: datetime
    referred_on: date
    """The day on which the person agreed to be referred: no first visit was before it."""
    places: Availability
    """Whether the service takes people, as link workers see it."""
    sessions: Sessions


@dataclass(frozen=True, slots=True)
class Introduced:
    """A person's name and telephone, shown once to a service that said yes."""

    name: str
    telephone: str | None
