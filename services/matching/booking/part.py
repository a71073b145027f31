"""The seam to booking: what casework, the roster and pages ask of it, whoever owns it in a locality.

Two implementations: `own.py` decides in process, `elsewhere.py` asks the owner by the published operations.
Callers have checked that the user may touch the case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from services.matching.booking.wanted import TimesWanted
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from shared.contract.api import Operation
from shared.contract.api.booking import TimeOffered
from shared.contract.events import vocabulary as v
from shared.platform.web.owners import Owner

# A stored referral: locality, referral, view.
Case = Mapping[str, Any]


class BookingPart(Protocol):
    """Booking in one locality.

    Each command leaves the referral with a meeting or a reason for none, as `Done.case` says.
    Every method raises a Problem for a refusal, 503 if the owner does not answer.
    """

    async def options(
        self, case: Case, meeting_id: str, count: int, wanted: TimesWanted
    ) -> list[TimeOffered]:
        """Other suitable times for the meeting that stands, earliest first.

        Another owner offers its earliest 20: of these, the times that are wanted.
        """
        ...

    async def options_for(self, case: Case, count: int, wanted: TimesWanted) -> list[TimeOffered]:
        """Suitable times for a referral without a meeting, earliest first."""
        ...

    async def place(self, case: Case, meeting_id: str) -> str | None:
        """The place of a meeting in words; None if only its link worker's hours tell it."""
        ...

    async def another_time(
        self, context: RequestContext, case: Case, meeting_id: str, slot: str | None
    ) -> Done:
        """Moves a meeting to `slot`, or with None to the next suitable time."""
        ...

    async def confirmed(self, context: RequestContext, case: Case, meeting_id: str) -> Done:
        """Records that the person agrees to the provisional time."""
        ...

    async def cancelled(
        self, context: RequestContext, case: Case, meeting_id: str, by: v.By, why: v.CancelReason
    ) -> Done:
        """Cancels a meeting. The next suitable time follows, or a reason for none."""
        ...

    async def book(self, context: RequestContext, case: Case, slot: str | None) -> Done:
        """Books a meeting where none stands."""
        ...

    async def later(self, context: RequestContext, case: Case, on: date) -> Done:
        """Cancels a booked meeting, and books none before that day."""
        ...


@dataclass(frozen=True, slots=True)
class BookingOffer:
    """What pages of a locality offer.

    Attributes:
        owner: the owner, if it is not us.
        changing_hands: neither owner decides just now, so nothing is offered.
        offered: the names of the operations that may be asked for.
    """

    owner: Owner | None
    changing_hands: bool
    offered: frozenset[str]

    def has(self, operation: Operation) -> bool:
        """True if a page may show this operation's button."""
        return operation.name in self.offered

    @property
    def another_time(self) -> bool:
        """True if a meeting can be moved from here: times are shown, and one can be chosen."""
        return {"listOtherTimes", "chooseAnotherTime"} <= self.offered

    @property
    def book(self) -> bool:
        """True if a meeting can be booked from here."""
        return {"listTimes", "bookMeeting"} <= self.offered

    @property
    def confirm(self) -> bool:
        """True if the person's yes can be recorded here."""
        return "confirmMeeting" in self.offered

    @property
    def later(self) -> bool:
        """True if a meeting can be deferred from here."""
        return "deferMeeting" in self.offered
