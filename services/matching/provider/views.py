"""Values for a community service, shown through its one-tap link."""

from dataclasses import dataclass
from datetime import date, datetime

from services.matching.directory.availability import Availability
from services.matching.directory.views import Sessions
from shared.contract.events import vocabulary as v


@dataclass(frozen=True, slots=True)
class ServiceAsk:
    """A prescription for its service, without identity.

    `access_needs` are there only if the person agreed to be introduced. `answered` is the answer given so
    far. `may_reveal`: after a yes, a code shows name and telephone.
    """

    locality: str
    referral_id: str
    prescription_id: str
    service_id: str
    service: str
    need: v.Need
    age_band: v.AgeBand | None
    # Outward postcode.
    area: str | None
    language: str
    interpreter: bool
    access_needs: tuple[v.AccessNeed, ...]
    answered: v.Reply | None
    weeks: int | None
    not_suitable: v.NotSuitableReason | None
    started: bool
    # The case has ended: no answer is expected.
    closed: bool
    may_reveal: bool
    # The person agreed that this service gets name and telephone.
    shared: bool
    # The last time that the service saw name and telephone.
    seen_at: datetime | None
    # For questions of the service: the link worker's name and number at work.
    link_worker: str | None
    link_worker_telephone: str | None
    expires_at: datetime
    # The day on which the person agreed to be referred. No first visit is earlier.
    referred_on: date
    # True if the service takes people, as link workers see it.
    places: Availability
    sessions: Sessions
    # Directory's owner by now, to whom answers are passed on; None if it is ours.
    passed_on_to: str | None = None


@dataclass(frozen=True, slots=True)
class Introduced:
    """A person's name and telephone, shown once to a service that said yes."""

    name: str
    telephone: str | None
