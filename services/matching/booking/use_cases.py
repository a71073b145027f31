"""Actions on meetings, and on a link worker's days."""

from datetime import date, timedelta
from typing import Any, Final

from services.matching.authorization import link_worker_for, problem_of
from services.matching.booking import commands as acts
from services.matching.booking.policy import settle_now
from services.matching.calendar import day_start, london_day
from services.matching.command_runner import Asking, refusing
from services.matching.errors import Refused
from services.matching.referral_state.views import CaseLine, Done, ToRing
from services.matching.repository import DAYS, LINK_WORKERS, touch_caseload
from services.matching.request import Asked
from services.matching.roster.absence import here_after_all, moved_by, offer_day, one_day_of, open_day
from services.matching.roster.link_workers import Leave, LinkWorker
from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.problem import Problem

AT_THE_DESK: Final = ("link_worker", "referrer")
"""Whoever may be present when a meeting is arranged."""


class MeetingActions:
    """What is done about meetings."""

    asking: Asking

    async def attended(self, asked: Asked, meeting_id: str, next_step: NextStep | None = None) -> Done:
        """They came, on the day or sooner. Refused (409) for a cancelled meeting."""
        row = await self.asking.case(asked, _meeting(meeting_id))
        return await self.asking.do(
            asked,
            row,
            "attended",
            (meeting_id, next_step),
            lambda: acts.attended(meeting_id, next_step),
        )

    async def missed(self, asked: Asked, meeting_id: str) -> Done:
        """They did not come. The first miss is rebooked at once; the second is for the link worker."""
        row = await self.asking.case(asked, _meeting(meeting_id))
        return await self.asking.do(asked, row, "missed", (meeting_id,), lambda: acts.missed(meeting_id))

    async def cancel(self, asked: Asked, meeting_id: str, by: v.By, why: v.CancelReason) -> Done:
        """Cancels a meeting; an open case gets the next suitable time, or a stated reason for none."""
        row = await self.asking.case(asked, _meeting(meeting_id))
        return await self.asking.do(
            asked, row, "cancelled", (meeting_id, by, why), lambda: acts.cancel(meeting_id, by, why)
        )

    async def another_time(self, asked: Asked, meeting_id: str, slot: str | None = None) -> Done:
        """Moves a meeting to `slot` (a `Slot.key` of `Queries.options`) or, with None, to the next suitable.

        Refused (409, code `slot_taken`) where somebody else has it by now. Practice staff may do this for
        their own practice's meetings.
        """
        row = await self.asking.case(asked, _meeting(meeting_id), AT_THE_DESK)
        return await self.asking.do(
            asked, row, "another-time", (meeting_id, slot), lambda: acts.another_time(meeting_id, slot)
        )

    async def confirm(self, asked: Asked, meeting_id: str) -> Done:
        """The person says yes to the provisional time (the same meeting, no longer provisional)."""
        row = await self.asking.case(asked, _meeting(meeting_id), AT_THE_DESK)
        return await self.asking.do(asked, row, "confirm", (meeting_id,), lambda: acts.confirm(meeting_id))

    async def book(self, asked: Asked, referral_id: str, slot: str | None = None) -> Done:
        """Books a meeting where none is active: after two misses, after waiting, or a further one."""
        row = await self.asking.case(asked, {"referral": referral_id})
        return await self.asking.do(asked, row, "book", (slot,), lambda: acts.book_one(slot))

    async def later(self, asked: Asked, referral_id: str, on: date) -> Done:
        """The person asks not to be booked before that day: cancels what is booked, waits until then."""
        row = await self.asking.case(asked, {"referral": referral_id})
        return await self.asking.do(asked, row, "later", (on,), lambda: acts.later(on))

    async def off_sick(self, asked: Asked, link_worker: str, day: date) -> list[ToRing]:
        """Frees that day of a link worker, rebooks everybody and gives the people to ring, by time of day.

        Doing it again gives the same list and changes nothing.
        """
        return await self.away(asked, link_worker, Leave(first=day, last=day))

    async def away(self, asked: Asked, link_worker: str, leave: Leave) -> list[ToRing]:
        """The link worker is away on these days: nobody is booked there, who was is rebooked and to be rung.

        Raises a Problem: 404 for a link worker who is not the caller's to speak for.
        """
        if asked.caller.role not in ("link_worker", "programme_admin"):
            raise Problem(403, code="role", detail="Your role does not include this.")
        worker = await link_worker_for(self.asking.kernel.mongo, asked.caller, link_worker)
        async with refusing():
            await self.asking.kernel.transact(lambda tx: _add_leave(tx, worker, leave))
        return await self.move_away(asked, worker, leave)

    async def move_away(self, asked: Asked, worker: LinkWorker, leave: Leave) -> list[ToRing]:
        """Rebooks everybody whom this link worker was to meet on these days. Their leave is known already."""
        begins, ends = day_start(leave.first), day_start(leave.last + timedelta(days=1))
        then = {"link_worker": worker.id, "starts_at": {"$gte": begins, "$lt": ends}}
        meets = await self._rows(worker, {**then, "status": "booked"})
        # Who cannot wait chooses first among what is left.
        meets.sort(key=lambda row: (row["view"]["created"]["urgency"] != "soon", row["view"]["created_at"]))
        for row in meets:
            await self.asking.do(
                Asked(asked.caller),
                row,
                "away",
                (),
                lambda: acts.link_worker_away(worker.id, leave.first, leave.last),
            )
        return await moved_by(self.asking, worker, leave)

    async def here_after_all(self, asked: Asked, link_worker: str, day: date) -> list[ToRing]:
        """Takes an absence of one day back: meetings to come get their times again, where these are free.

        Nobody is moved back who said yes to the new time. Gives everybody whom the absence had moved, with
        the meeting that they have now. Refused (409, `not_away`) where that day is no absence of its own.
        """
        if asked.caller.role not in ("link_worker", "programme_admin"):
            raise Problem(403, code="role", detail="Your role does not include this.")
        worker = await link_worker_for(self.asking.kernel.mongo, asked.caller, link_worker)
        if not one_day_of(worker, day):
            raise problem_of(Refused("not_away"))
        moved = await moved_by(self.asking, worker, Leave(first=day, last=day))
        async with refusing():
            await self.asking.kernel.transact(lambda tx: open_day(tx, worker, day))
        found = []
        for each in moved:
            now = await self._given_back(asked, worker, each)
            found.append(ToRing(now, each.was, now.active))
        async with refusing():
            await self.asking.kernel.transact(lambda tx: offer_day(tx, worker, self.asking))
        return found

    async def _given_back(self, asked: Asked, worker: LinkWorker, moved: ToRing) -> CaseLine:
        """The case with its old time again; as it was, where that is not to be had."""
        row = {"locality": worker.locality, "referral": moved.case.referral_id}
        act = here_after_all(moved.was.meeting_id)
        try:
            done = await self.asking.do(Asked(asked.caller), row, "here-after-all", (), lambda: act)
        except Problem as problem:
            if problem.status_code != 409:
                raise
            return moved.case
        return done.case

    async def enter_meetings(self, worker: LinkWorker) -> None:
        """Has everybody decided upon again whose meeting to come is in no diary.

        A partner had booked it before this link worker was entered, and we keep no diary of who is unknown.

        Raises Transient where the database stays away.
        """
        now = self.asking.kernel.clock()
        days = {"link_worker": worker.id, "day": {"$gte": london_day(now).isoformat()}}
        entered: set[str] = set()
        async for day in self.asking.kernel.mongo[DAYS].find(days):
            entered.update(held["i"] for held in (*day["held"], *day.get("behind", ())))
        to_come = {
            "link_worker": worker.id,
            "starts_at": {"$gt": now},
            "status": "booked",
            "id": {"$nin": sorted(entered)},
        }
        for row in await self._rows(worker, to_come):
            await self.asking.kernel.command(row["locality"], row["referral"], settle_now)

    async def _rows(self, worker: LinkWorker, meeting: dict[str, Any]) -> list[Row]:
        """The open cases with such a meeting."""
        which: dict[str, Any] = {
            "locality": worker.locality,
            "view.meetings": {"$elemMatch": meeting},
            "view.open": True,
        }
        return [row async for row in self.asking.kernel.mongo[REFERRALS].find(which)]


async def _add_leave(tx: Transaction, worker: LinkWorker, leave: Leave) -> None:
    if any(have.first <= leave.first and leave.last <= have.last for have in worker.leave):
        return
    await tx[LINK_WORKERS].update_one(
        {"_id": worker.id},
        {"$push": {"leave": leave.model_dump(mode="json")}, "$inc": {"v": 1}},
        session=tx.session,
    )
    await touch_caseload(tx, worker.locality, worker.id)


def _meeting(meeting_id: str) -> dict[str, Any]:
    return {"view.meetings.id": meeting_id}
