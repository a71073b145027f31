"""Commands that give a case to another link worker, or take it back. Pure; `diaries` change in place."""

from datetime import datetime

from services.matching.booking.diary import Diaries
from services.matching.booking.handing import keep_time, same_time
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command, about, open_case
from services.matching.referral_state.state import ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.history import Meeting
from shared.delivery.model.decision import Decision, DecisionContext


def change_link_worker(
    link_worker: str,
    *,
    moves_meeting: bool = True,
    keeps_time: bool = False,
    at: datetime | None = None,
    note: str | None = None,
) -> Command:
    """Hands the case over. A coming meeting moves to the new link worker.

    Args:
        link_worker: the colleague who takes it.
        moves_meeting: False where booking has another owner, which moves it itself.
        keeps_time: the meeting keeps its time if the colleague is free then.
        at: the time to give it instead, if the colleague is free then.
        note: the id of a text for the colleague.
    """

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        created = open_case(view)
        worker = diaries.workers.get(link_worker)
        if worker is None or worker.locality != context.locality or not worker.active:
            raise Refused("unknown_link_worker")
        if created.practice not in worker.practices:
            raise Refused("not_serving")
        said: list[EventBody] = [o.LinkWorkerChanged(**about(context), link_worker=link_worker, note=note)]
        active = view.story.active if moves_meeting else None
        if active and active.booked.link_worker != link_worker and active.booked.starts_at > context.now:
            slot = same_time(view, diaries, context.referral_id, link_worker, at) if keeps_time else None
            kept = keep_time(view, diaries, context, slot) if slot else None
            said.append(kept or _off_for_colleague(context, active))
        return Decision(said)

    return act


def _off_for_colleague(context: DecisionContext, meeting: Meeting) -> EventBody:
    return o.MeetingCancelled(
        **about(context),
        meeting_id=meeting.booked.meeting_id,
        by=v.By.LINK_WORKER,
        why=v.CancelReason.LINK_WORKER_AWAY,
    )
