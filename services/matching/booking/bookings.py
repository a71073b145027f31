"""The booking part of each locality, by the table in force, and what pages may offer of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.matching.booking.elsewhere import BookingElsewhere
from services.matching.booking.own import OwnBooking
from services.matching.booking.part import BookingOffer, BookingPart
from services.matching.request import RequestContext
from shared.contract.api.booking import BOOKING
from shared.platform.web.offered import OfferedOperations
from shared.platform.web.owners import Owners

_EVERY: Final = frozenset(operation.name for operation in BOOKING)


@dataclass(frozen=True)
class Bookings:
    """Finds the booking part of a locality.

    Attributes:
        decides: tells of a locality whether our own booking decides there just now. It does not while it is
            handed over.
    """

    own: OwnBooking
    elsewhere: BookingElsewhere
    owners: Owners
    offered: OfferedOperations
    decides: Callable[[str], bool]

    def of(self, locality: str) -> BookingPart:
        """The part in a locality."""
        return self.elsewhere if self.is_elsewhere(locality) else self.own

    def for_request(self, context: RequestContext, locality: str) -> BookingPart:
        """The part that answers a request. Other parts ask the owner, so theirs are never passed on."""
        return self.own if context.locality is not None else self.of(locality)

    def is_elsewhere(self, locality: str) -> bool:
        """True if booking has another owner in the locality."""
        return self.owners.elsewhere("booking", locality) is not None

    async def offer(self, locality: str) -> BookingOffer:
        """The buttons that pages of the locality may show."""
        owner = self.owners.elsewhere("booking", locality)
        if self.owners.handed_to("booking", locality) is not None:
            # The present owner stops deciding at any moment, whoever it is.
            return BookingOffer(owner, changing_hands=True, offered=frozenset())
        if owner is not None:
            named = {each.name for each in BOOKING if await self.offered.offers(each, locality)}
            return BookingOffer(owner, changing_hands=False, offered=frozenset(named))
        decides = self.decides(locality)
        return BookingOffer(None, changing_hands=not decides, offered=_EVERY if decides else frozenset())
