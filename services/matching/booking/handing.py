"""The meeting of a case that goes to another link worker: it keeps its time if they can, or moves. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import book
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.slot import Slot
from services.matching.calendar import london_day
from services.matching.referral_state.state import ReferralState
from shared.contract.events.models import EventBody
from shared.contract.events.vocabulary import MeetingMode
from shared.delivery.model.decision import DecisionContext


class WhatBecomes(StrEnum):
    """The outcome of a hand-over for the meeting that was booked."""

    NO_MEETING = "no_meeting"
    KEPT = "kept"
    MOVED = "moved"
    # The colleague has no time: the person waits.
    WAITS = "waits"
    # Booking has another owner, which decides.
    BOOKED_ELSEWHERE = "booked_elsewhere"


@dataclass(frozen=True, slots=True)
class Handing:
    """The outcome, and the time of the meeting then."""

    becomes: WhatBecomes
    at: datetime | None = None


def same_time(
    view: ReferralState, diaries: Diaries, referral_id: str, link_worker: str, at: datetime | None = None
) -> Slot | None:
    """The time of the coming meeting, or `at`, in this link worker's diary; None if it is not free there."""
    active, created = view.story.active, view.story.created
    if active is None or created is None or link_worker not in diaries.workers:
        return None
    at = at or active.booked.starts_at
    if at <= diaries.now:
        return None
    worker, how = diaries.workers[link_worker], active.booked.mode
    slot = diaries.slot(f"{link_worker}|{at:%Y-%m-%dT%H:%MZ}", created.practice, how)
    if slot is None or not worker.offers(how):
        return None
    home = how is MeetingMode.HOME
    free = diaries.free(worker, london_day(slot.starts_at), referral_id, home=home)
    return slot if any(each.key == slot.key for each in free) else None


def keep_time(
    view: ReferralState, diaries: Diaries, context: DecisionContext, slot: Slot
) -> EventBody | None:
    """Books this time in place of the present meeting; None if another meeting has just taken it.

    The person agreed to the time, or did not, and still has: only the link worker is another one.
    """
    active = view.story.active
    provisional = active.booked.provisional if active else True
    return book(view, diaries, context, slot, provisional=provisional)


def preview(view: ReferralState, diaries: Diaries, referral_id: str, to: str, *, keep: bool) -> Handing:
    """The outcome for the coming meeting if the case went to this link worker now. Changes `diaries`."""
    active, created = view.story.active, view.story.created
    if active is None or created is None or active.booked.starts_at <= diaries.now:
        return Handing(WhatBecomes.NO_MEETING)
    if active.booked.link_worker == to:
        return Handing(WhatBecomes.KEPT, active.booked.starts_at)
    if keep and (slot := same_time(view, diaries, referral_id, to)) is not None:
        return Handing(WhatBecomes.KEPT, slot.starts_at)
    diaries.assign(referral_id, to)  # A case that is handed over counts even in a full caseload.
    found = diaries.earliest(MeetingRequirements.of(created, to), referral_id)
    return Handing(WhatBecomes.MOVED, found.starts_at) if found else Handing(WhatBecomes.WAITS)
