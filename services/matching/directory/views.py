"""Values that the directory shows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service


class ListingFault(StrEnum):
    """Kinds of faults in a directory entry."""

    CLOSED = "closed"
    CONTACT = "contact"
    TIMES = "times"
    PLACE = "place"
    COST = "cost"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FoundService:
    """A directory entry found by a search; `distance_km` from the postcode of the search, if known."""

    service: Service
    distance_km: float | None
    next_session: str | None
    availability: Availability


@dataclass(frozen=True, slots=True)
class Sessions:
    """The last and the next session of a service; None where its times are not known."""

    last: datetime | None = None
    next: datetime | None = None
