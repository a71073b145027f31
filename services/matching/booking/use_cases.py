"""Use cases of meetings: attended, missed, cancelled, moved, booked, deferred."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from services.matching.authorization import AT_THE_DESK
from services.matching.booking import commands
from services.matching.booking.bookings import Bookings
from services.matching.booking.part import BookingPart
from services.matching.booking.policy import reconcile_now
from services.matching.calendar import london_day
from services.matching.collections import DAYS
from services.matching.command_runner import CommandRunner
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.roster.link_workers import LinkWorker
from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS


@dataclass
class BookingUseCases:
    """Changes of meetings, by link workers and practice staff.

    Whether a person came is casework's fact. All else is asked of the locality's booking part.
    """

    runner: CommandRunner
    parts: Bookings

    async def attended(
        self, context: RequestContext, meeting_id: str, next_step: NextStep | None = None
    ) -> Done:
        """Records that the person came, on the day or sooner. 409 for a cancelled meeting."""
        row = await self.runner.case(context, _meeting(meeting_id), part="casework")
        return await self.runner.run(
            context,
            row,
            "attended",
            (meeting_id, next_step),
            lambda: commands.attended(meeting_id, next_step),
        )

    async def did_not_attend(self, context: RequestContext, meeting_id: str) -> Done:
        """Records a miss. The first is rebooked at once; the link worker arranges the second."""
        row = await self.runner.case(context, _meeting(meeting_id), part="casework")
        return await self.runner.run(
            context, row, "missed", (meeting_id,), lambda: commands.did_not_attend(meeting_id)
        )

    async def cancel(self, context: RequestContext, meeting_id: str, by: v.By, why: v.CancelReason) -> Done:
        """Cancels a meeting. An open case gets the next suitable time, or a stated reason for none."""
        row = await self.runner.case(context, _meeting(meeting_id))
        return await self._part(context, row).cancelled(context, row, meeting_id, by, why)

    async def reschedule(self, context: RequestContext, meeting_id: str, slot: str | None = None) -> Done:
        """Moves a meeting to `slot` (a `Slot.key`), or with None to the next suitable time.

        409 `slot_taken` if the time was taken meanwhile. Practice staff may move their own practice's
        meetings.
        """
        row = await self.runner.case(context, _meeting(meeting_id), AT_THE_DESK)
        return await self._part(context, row).another_time(context, row, meeting_id, slot)

    async def confirm(self, context: RequestContext, meeting_id: str) -> Done:
        """Records that the person agrees to the time: the same meeting, no longer provisional."""
        row = await self.runner.case(context, _meeting(meeting_id), AT_THE_DESK)
        return await self._part(context, row).confirmed(context, row, meeting_id)

    async def book(self, context: RequestContext, referral_id: str, slot: str | None = None) -> Done:
        """Books a meeting where none is active: after two misses, after waiting, or a further one."""
        row = await self.runner.case(context, {"referral": referral_id})
        return await self._part(context, row).book(context, row, slot)

    async def defer(self, context: RequestContext, referral_id: str, on: date) -> Done:
        """Cancels a booked meeting, and books none before that day, as the person asked."""
        row = await self.runner.case(context, {"referral": referral_id})
        return await self._part(context, row).later(context, row, on)

    def _part(self, context: RequestContext, row: Row) -> BookingPart:
        return self.parts.for_request(context, row["locality"])

    async def enter_meetings(self, worker: LinkWorker, *, every: bool = False) -> None:
        """Decides again on every case with a coming meeting that is in no diary.

        A partner booked such a meeting before this link worker was entered: an unknown link worker has no
        diary. `every`: on those in a diary too, as the link worker meets people in other rooms now.

        Raises:
            Transient: the database stays away.
        """
        now = self.runner.kernel.clock()
        days = {"link_worker": worker.id, "day": {"$gte": london_day(now).isoformat()}}
        entered: set[str] = set()
        async for day in self.runner.kernel.mongo[DAYS].find(days):
            if every:
                break
            entered.update(held["i"] for held in (*day["held"], *day.get("behind", ())))
        to_come = {
            "link_worker": worker.id,
            "starts_at": {"$gt": now},
            "status": "booked",
            "id": {"$nin": sorted(entered)},
        }
        for row in await open_cases_with(self.runner.kernel.mongo, worker, to_come):
            await self.runner.kernel.command(row["locality"], row["referral"], reconcile_now)


async def open_cases_with(mongo: Mongo, worker: LinkWorker, meeting: dict[str, Any]) -> list[Row]:
    """The open cases of a link worker's locality that have such a meeting."""
    which: dict[str, Any] = {
        "locality": worker.locality,
        "view.meetings": {"$elemMatch": meeting},
        "view.open": True,
    }
    return [row async for row in mongo[REFERRALS].find(which)]


def _meeting(meeting_id: str) -> dict[str, Any]:
    return {"view.meetings.id": meeting_id}
