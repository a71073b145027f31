"""A service as the seam between directory and casework knows it: to the contract's form and from it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import (
    Audience,
    Capacity,
    Cost,
    Location,
    Schedule,
    Service,
    Status,
)
from services.matching.directory.ranking import Position, distance
from shared.contract.api.services import (
    POSITION_DIGITS,
    ServiceListed,
    ServicePlace,
    ServicePrice,
    ServiceTimes,
)

# Stands for an address that stays with directory's owner.
_KEPT_THERE: Final = "kept-by-directory@directory.example"


@dataclass(frozen=True, slots=True)
class Listing:
    """A service with its places now, and its mailbox.

    `mailbox_confirmed`: None if the service has no address.
    """

    service: Service
    availability: Availability
    mailbox_confirmed: bool | None

    @property
    def mailable(self) -> bool:
        """True if the service can be asked by a link."""
        return self.mailbox_confirmed is True


def to_contract(listing: Listing, *, offered: bool) -> ServiceListed:
    """The service as the contract has it. `offered`: by a feed of the locality."""
    service, places = listing.service, listing.availability
    return ServiceListed(
        id=service.id,
        name=service.name,
        organisation=service.organisation,
        description=service.description,
        alert=service.alert,
        offered=offered and service.offered,
        needs=list(service.needs),
        sensitive_needs=list(service.sensitive_needs),
        capacity=places.capacity.value if places.capacity else None,
        capacity_since=places.since,
        times=[ServiceTimes.model_validate(each.model_dump(mode="json")) for each in service.schedules],
        prices=[
            ServicePrice(amount=None if cost.amount is None else f"{cost.amount:.2f}", text=cost.text)
            for cost in service.costs
        ],
        minimum_age=service.minimum_age,
        maximum_age=service.maximum_age,
        audience=service.audience.value if service.audience else None,
        accessibility=service.accessibility,
        languages=list(service.languages),
        places=[ServicePlace.model_validate(place.model_dump()) for place in service.locations],
        checked_on=service.assured_on,
        telephone=service.telephone,
        url=service.url,
        mailbox_confirmed=listing.mailbox_confirmed,
    )


def from_contract(listed: ServiceListed) -> Listing | None:
    """The service as our ranking and pages know it; None if a value of it cannot be used."""
    try:
        service = Service(
            id=listed.id,
            record=listed.id,
            name=listed.name,
            organisation=listed.organisation,
            description=listed.description,
            alert=listed.alert,
            status=Status.ACTIVE if listed.offered else Status.INACTIVE,
            capacity=Capacity(listed.capacity) if listed.capacity else None,
            needs=tuple(listed.needs),
            sensitive_needs=tuple(listed.sensitive_needs),
            schedules=tuple(Schedule.model_validate(each.model_dump()) for each in listed.times),
            costs=tuple(Cost.model_validate(each.model_dump()) for each in listed.prices),
            minimum_age=listed.minimum_age,
            maximum_age=listed.maximum_age,
            accessibility=listed.accessibility,
            languages=tuple(listed.languages),
            locations=tuple(Location.model_validate(each.model_dump()) for each in listed.places),
            assured_on=listed.checked_on,
            email=None if listed.mailbox_confirmed is None else _KEPT_THERE,
            telephone=listed.telephone,
            url=listed.url,
            audience=Audience(listed.audience) if listed.audience else None,
        )
    except ValidationError:
        return None
    return Listing(service, Availability(service.capacity, listed.capacity_since), listed.mailbox_confirmed)


def nearest(listings: Iterable[Listing], near: Position | None, limit: int) -> list[Listing]:
    """The first of these, the nearest before the others, those of unknown distance last."""

    def order(one: Listing) -> tuple[bool, float, str]:
        far = distance(one.service, near)
        return far is None, far or 0.0, one.service.name.casefold()

    return sorted(listings, key=order)[:limit]


def about(at: Position | None) -> Position | None:
    """The position as another owner may know it: to about a kilometre."""
    return None if at is None else (round(at[0], POSITION_DIGITS), round(at[1], POSITION_DIGITS))
