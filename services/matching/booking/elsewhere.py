"""Booking where it has another owner: asks it, and shows what it answers before its events arrive."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import Any, Final

from services.matching.booking.diary import Diaries
from services.matching.booking.part import Case
from services.matching.booking.wanted import EARLIEST, TimesWanted
from services.matching.clients.booking import BookingClient
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import CaseLine, Done, MeetingShown
from services.matching.request import RequestContext
from shared.contract.api.booking import ReferralMeeting, StandingMeeting, TimeOffered
from shared.contract.events import vocabulary as v
from shared.delivery.kernel import Kernel
from shared.platform.web.audit import Change
from shared.platform.web.owners import Owners

# A page waits so long for the event of what the owner has answered.
EVENT_SECONDS: Final = 2.0
# The most times that the operations offer.
_MAX_TIMES: Final = 20


@dataclass(frozen=True)
class BookingElsewhere:
    """A `BookingPart`: the owner's operations. `key` digests idempotency keys, which are a user's own."""

    client: BookingClient
    owners: Owners
    kernel: Kernel[ReferralState, Diaries]
    referrals: ReferralQueries
    key: bytes = field(repr=False)

    async def options(
        self, case: Case, meeting_id: str, count: int, wanted: TimesWanted
    ) -> list[TimeOffered]:
        """See `BookingPart.options`."""
        found = await self.client.options(case["locality"], meeting_id, _asked(count, wanted))
        return wanted.of(found)[:count]

    async def options_for(self, case: Case, count: int, wanted: TimesWanted) -> list[TimeOffered]:
        """See `BookingPart.options_for`."""
        found = await self.client.options_of_referral(
            case["locality"], case["referral"], _asked(count, wanted)
        )
        return wanted.of(found)[:count]

    async def place(self, case: Case, meeting_id: str) -> str | None:
        """The owner's answer: it alone knows the room."""
        return await self.client.place(case["locality"], meeting_id)

    async def another_time(
        self, context: RequestContext, case: Case, meeting_id: str, slot: str | None
    ) -> Done:
        """See `BookingPart.another_time`."""
        key = await self._asking(context, case, "another-time")
        user = context.caller.subject
        return await self._done(
            case, await self.client.another_time(case["locality"], meeting_id, slot, user, key)
        )

    async def confirmed(self, context: RequestContext, case: Case, meeting_id: str) -> Done:
        """See `BookingPart.confirmed`."""
        key, user = await self._asking(context, case, "confirmed"), context.caller.subject
        return await self._done(case, await self.client.confirmed(case["locality"], meeting_id, user, key))

    async def cancelled(
        self, context: RequestContext, case: Case, meeting_id: str, by: v.By, why: v.CancelReason
    ) -> Done:
        """See `BookingPart.cancelled`."""
        key, user = await self._asking(context, case, "cancelled"), context.caller.subject
        given = {"by": by.value, "why": why.value}
        return await self._done(
            case, await self.client.cancelled(case["locality"], meeting_id, given, user, key)
        )

    async def book(self, context: RequestContext, case: Case, slot: str | None) -> Done:
        """See `BookingPart.book`."""
        key, user = await self._asking(context, case, "book"), context.caller.subject
        return await self._done(
            case, await self.client.book(case["locality"], case["referral"], slot, user, key)
        )

    async def later(self, context: RequestContext, case: Case, on: date) -> Done:
        """See `BookingPart.later`."""
        key, user = await self._asking(context, case, "later"), context.caller.subject
        return await self._done(
            case, await self.client.later(case["locality"], case["referral"], on.isoformat(), user, key)
        )

    async def _asking(self, context: RequestContext, case: Case, route: str) -> str | None:
        """Audits that the user asks the owner, who makes the change. Returns the key for the owner.

        All our users are one caller there, so their keys must not meet.
        """
        action = f"ask_{route.replace('-', '_')}"
        asked = Change(context.caller, action, locality=case["locality"], subject_ref=case["referral"])
        await self.kernel.audit.asks(asked)
        if context.key is None:
            return None
        whole = "|".join((context.caller.subject, route, context.key))
        return hmac.new(self.key, whole.encode(), blake2b).hexdigest()[:32]

    async def _done(self, case: Case, answer: ReferralMeeting) -> Done:
        """The case as the owner has answered, once its event is here or after a short wait."""
        locality, referral = case["locality"], case["referral"]
        view = await self.kernel.wait_for(locality, referral, lambda view: shows(view, answer), EVENT_SECONDS)
        stored = {**case, "view": view or case["view"]}
        lines = await self.referrals.presenter([stored])
        line, arrived = lines.case(stored), view is not None and shows(view, answer)
        if not arrived:
            owner = self.owners.elsewhere("booking", locality)
            line = as_answered(line, answer, owner.name if owner else None)
        return Done(locality, referral, line, said=(), pending=not arrived)


def _asked(count: int, wanted: TimesWanted) -> int:
    return min(count, _MAX_TIMES) if wanted == EARLIEST else _MAX_TIMES


def shows(view: Mapping[str, Any], answer: ReferralMeeting) -> bool:
    """True if a stored view has what the owner answered."""
    meeting = answer.meeting
    if meeting is not None:
        active = next((each for each in view["meetings"] if each["id"] == view["active"]), None)
        return active is not None and (active["id"], active["provisional"]) == (
            meeting.meeting_id,
            meeting.provisional,
        )
    waits = (view["waiting"] or {}).get("reason")
    return view["active"] is None and (answer.waiting is None or waits == answer.waiting.value)


def as_answered(line: CaseLine, answer: ReferralMeeting, owner: str | None) -> CaseLine:
    """The line of a case with the meeting, or the reason for none, that the owner has answered."""
    meeting = answer.meeting
    active = _meeting(line, meeting, owner) if meeting else None
    return replace(line, active=active, waiting=answer.waiting, expected_by=answer.expected_by)


def _meeting(line: CaseLine, meeting: StandingMeeting, owner: str | None) -> MeetingShown:
    return MeetingShown(
        meeting_id=meeting.meeting_id,
        referral_id=line.referral_id,
        locality=line.locality,
        link_worker=meeting.link_worker,
        practice=meeting.practice,
        place=meeting.place,
        starts_at=meeting.starts_at,
        minutes=meeting.minutes,
        mode=meeting.mode,
        status="booked",
        provisional=meeting.provisional,
        sequence=meeting.sequence,
        booked_by=owner,
    )
