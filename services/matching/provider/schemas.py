"""Bodies of what other parts ask of directory about one-tap links, and answers about services' claims."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from services.matching.directory.views import ListingFault
from services.matching.provider.claims import ClaimedService
from services.matching.web.schemas import Body
from shared.contract.api import directory as contract


class LinkAnswer(contract.LinkAnswer, Body):
    """One answer of a service on a link of a former owner."""


class ClaimOut(BaseModel):
    """Claims of a service, and reports of its listing. `mailbox_since`: it was asked or confirmed then."""

    service_id: str
    name: str
    email: str | None
    telephone: str | None
    mailbox: Literal["no_mailbox", "not_asked", "asked", "confirmed"]
    mailbox_since: datetime | None
    places: str | None
    places_since: date | None
    faults: dict[ListingFault, int]

    @classmethod
    def of(cls, claimed: ClaimedService) -> "ClaimOut":
        """The claim as the API returns it."""
        service, places = claimed.found.service, claimed.found.availability
        return cls(
            service_id=service.id,
            name=service.name,
            email=service.email,
            telephone=service.telephone,
            mailbox=claimed.mailbox.state,
            mailbox_since=claimed.mailbox.since,
            places=places.capacity.value if places.capacity else None,
            places_since=places.since,
            faults=dict(claimed.faults),
        )


class ClaimsOut(BaseModel):
    """Services by name."""

    services: list[ClaimOut]
