"""A link worker's absence: the meetings that it moved, and its withdrawal."""

from datetime import date

from services.matching.booking.diary import Diaries
from services.matching.booking.repository import touch_caseload, wake_waiting
from services.matching.booking.undo import retract
from services.matching.command_runner import CommandRunner
from services.matching.referral_state.commands import Command, meeting_of, open_case
from services.matching.referral_state.presenter import CasePresenter
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import ToRing
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.moves import in_leave
from services.matching.roster.repository import add_leave, link_workers, remove_leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.topics import our_parts
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS


async def moved_by(runner: CommandRunner, worker: LinkWorker, leave: Leave) -> list[ToRing]:
    """People whose meeting with this link worker was cancelled for this leave, by time of day."""
    called_off = {
        **in_leave(worker, leave),
        "status": "cancelled",
        "why": v.CancelReason.LINK_WORKER_AWAY.value,
    }
    which = {"locality": worker.locality, "view.meetings": {"$elemMatch": called_off}}
    rows: list[Row] = [row async for row in runner.kernel.mongo[REFERRALS].find(which)]
    names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
    lines = CasePresenter(
        runner.localities, await link_workers(runner.kernel.mongo, names), runner.kernel.clock()
    )
    found = []
    for row in rows:
        moved = [
            lines.meeting(row, meeting)
            for meeting in row["view"]["meetings"]
            if meeting["link_worker"] == worker.id
            and leave.meets(meeting["starts_at"], meeting["minutes"])
            and meeting["status"] == "cancelled"
        ]
        case = lines.case(row)
        found += [ToRing(case, was, case.active) for was in moved[:1]]
    return sorted(found, key=lambda one: (one.was.starts_at, one.case.referral_id))


def one_day_of(worker: LinkWorker, day: date) -> bool:
    """True if this very day is an absence of its own, which can be taken back alone."""
    return Leave(first=day, last=day) in worker.leave


async def replace_leave(tx: Transaction, worker: LinkWorker, leave: Leave, instead: Leave | None) -> None:
    """Takes a leave out of an entry, and stores what is left of it."""
    await remove_leave(tx, worker.id, leave)
    if instead is not None:
        await add_leave(tx, worker.id, instead)
    await touch_caseload(tx, worker.locality, worker.id)


async def offer_times(tx: Transaction, worker: LinkWorker, runner: CommandRunner) -> None:
    """Offers times that came free to waiting referrals."""
    await wake_waiting(tx, worker.locality, worker.practices, runner.kernel.clock())


def here_after_all(meeting_id: str) -> Command:
    """Gives the meeting its time back, unless it is past or the person agreed to the new one.

    Refuses with `slot_taken` if the time was taken meanwhile.
    """

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        old, active = meeting_of(view, meeting_id), view.story.active
        if old.booked.starts_at <= context.now or (active is not None and not active.booked.provisional):
            return NOTHING
        for fact in view.facts:
            body = fact.body
            called_off = isinstance(body, o.MeetingCancelled) and body.meeting_id == meeting_id
            if called_off and fact.key not in view.retracted and "booking" in our_parts(fact.source):
                return retract(fact.source, fact.id, v.RetractReason.UNDONE)(view, diaries, context)
        return NOTHING

    return act
