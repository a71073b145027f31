"""Booking where it is ours: decides in process, in one transaction with the referral's other facts."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.matching.booking import commands
from services.matching.booking.part import Case
from services.matching.booking.repository import DiaryStore
from services.matching.booking.search import search_times
from services.matching.booking.slot import Slot
from services.matching.booking.wanted import EARLIEST, TimesWanted
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of
from shared.contract.api.booking import TimeOffered
from shared.contract.events import vocabulary as v
from shared.delivery.model.service_definition import Loaded

# A fortnight of many link workers.
MAX_TIMES: Final = 2_000


@dataclass(frozen=True)
class OwnBooking:
    """A `BookingPart`: our own diaries."""

    runner: CommandRunner
    diaries: DiaryStore

    async def options(
        self, case: Case, meeting_id: str, count: int, wanted: TimesWanted
    ) -> list[TimeOffered]:
        """See `BookingPart.options`."""
        if case["view"]["active"] != meeting_id:
            raise problem_of(Refused("meeting_not_standing"))
        return await self._options(case, count, wanted)

    async def options_for(self, case: Case, count: int, wanted: TimesWanted) -> list[TimeOffered]:
        """See `BookingPart.options_for`."""
        return await self._options(case, count, wanted)

    async def options_to_reopen(self, case: Case, count: int) -> list[TimeOffered]:
        """Suitable times for a case that has ended, if it is opened again."""
        return await self._options(case, count, EARLIEST, ended=True)

    async def place(self, case: Case, meeting_id: str) -> str | None:
        """None: the hours of the link worker tell it."""
        return None

    async def another_time(
        self, context: RequestContext, case: Case, meeting_id: str, slot: str | None
    ) -> Done:
        """See `BookingPart.another_time`."""
        return await self.runner.run(
            context, case, "another-time", (meeting_id, slot), lambda: commands.reschedule(meeting_id, slot)
        )

    async def confirmed(self, context: RequestContext, case: Case, meeting_id: str) -> Done:
        """See `BookingPart.confirmed`."""
        return await self.runner.run(
            context, case, "confirm", (meeting_id,), lambda: commands.confirm(meeting_id)
        )

    async def cancelled(
        self, context: RequestContext, case: Case, meeting_id: str, by: v.By, why: v.CancelReason
    ) -> Done:
        """See `BookingPart.cancelled`."""
        return await self.runner.run(
            context, case, "cancelled", (meeting_id, by, why), lambda: commands.cancel(meeting_id, by, why)
        )

    async def book(self, context: RequestContext, case: Case, slot: str | None) -> Done:
        """See `BookingPart.book`."""
        return await self.runner.run(context, case, "book", (slot,), lambda: commands.book_one(slot))

    async def later(self, context: RequestContext, case: Case, on: date) -> Done:
        """See `BookingPart.later`."""
        return await self.runner.run(context, case, "later", (on,), lambda: commands.defer(on))

    async def _options(
        self, case: Case, count: int, wanted: TimesWanted, *, ended: bool = False
    ) -> list[TimeOffered]:
        kernel = self.runner.kernel
        view = await kernel.view(case["locality"], case["referral"])
        if view is None or view.story.erased or not (view.open or ended):
            raise problem_of(Refused("case_ended"))

        one = Loaded(case["locality"], case["referral"], view)
        most = max(1, min(count, MAX_TIMES))
        found = await search_times(kernel.mongo, self.diaries, one, kernel.clock(), most, wanted)
        return [_offered(slot, wanted.mode) for slot in found]


def _offered(slot: Slot, chosen: v.MeetingMode | None) -> TimeOffered:
    """The time as it is offered. A kind of meeting that was chosen is in its key, so that it is booked so."""
    return TimeOffered(
        key=slot.key if chosen is None else f"{slot.key}|{chosen.value}",
        link_worker=slot.link_worker,
        practice=slot.practice,
        place=slot.place,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        mode=slot.mode,
    )
