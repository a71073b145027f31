"""Meetings that a leave or an appointment moves, and the times that they would get. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from services.matching.booking.appointments import Appointment
from services.matching.booking.days import Day
from services.matching.booking.diary import Diaries
from services.matching.booking.policy import needs_meeting, refused_times, requirements_of, time_key
from services.matching.booking.reservations import Reservation
from services.matching.booking.slot import Slot
from services.matching.calendar import london_day
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import MeetingShown
from services.matching.roster.link_workers import LONGEST_MEETING, Leave, LinkWorker

Row = Mapping[str, Any]


def in_leave(worker: LinkWorker, leave: Leave) -> dict[str, Any]:
    """The stored meetings of a link worker that may fall into a leave; `Leave.meets` tells of each."""
    return {
        "link_worker": worker.id,
        "starts_at": {"$gt": leave.begins - LONGEST_MEETING, "$lt": leave.ends},
    }


class TakenTime(Protocol):
    """A leave or an appointment."""

    def meets(self, starts_at: datetime, minutes: int) -> bool:
        """True if a meeting at this time would fall into it."""
        ...


def booked_in(row: Row, worker: LinkWorker, taken: TakenTime) -> bool:
    """True if the active meeting of a stored case is with this link worker, and falls into the time."""
    view = row["view"]
    return any(
        meeting["id"] == view["active"]
        and meeting["link_worker"] == worker.id
        and taken.meets(meeting["starts_at"], meeting["minutes"])
        for meeting in view["meetings"]
    )


def in_order_of_choice(rows: Iterable[Row]) -> list[Row]:
    """Cases in the order in which they choose another time: the urgent first, then the longest referred."""
    return sorted(
        rows, key=lambda row: (row["view"]["created"]["urgency"] != "soon", row["view"]["created_at"])
    )


@dataclass(frozen=True, slots=True)
class Proposed:
    """A meeting that would be moved. `slot`: None if no other time is free."""

    referral_id: str
    slot: Slot | None


def on_leave(diaries: Diaries, worker: LinkWorker, leave: Leave) -> Diaries:
    """The diaries as they would be if the leave were stored. Changes them."""
    known = diaries.workers[worker.id]
    away = known.model_copy(update={"leave": (*known.leave, leave)})
    diaries.workers = {**diaries.workers, worker.id: away}
    return diaries


def kept_free(diaries: Diaries, appointments: Iterable[Appointment]) -> Diaries:
    """The diaries as they would be if these appointments were stored. Changes them."""
    for each in appointments:
        key = (each.link_worker, london_day(each.starts_at))
        day = diaries.days.setdefault(key, Day(*key))
        day.blocked.append(Reservation(each.starts_at, each.minutes, "", each.appointment_id))
    return diaries


def moves_for(
    cases: Sequence[tuple[str, ReferralState]], diaries: Diaries, worker: LinkWorker
) -> list[Proposed]:
    """The times that these cases of a link worker would get by these diaries, in the order of their choice.

    Changes `diaries`, which the caller throws away: each time that is given is taken for the next case.
    """
    found = []
    for referral_id, view in cases:
        active = view.story.active
        if active is None or active.booked.link_worker != worker.id:
            continue
        for day, held in diaries.reservations_of(referral_id):
            diaries.release(day, held.meeting_id)
        slot = None
        if needs_meeting(view, diaries.now, diaries.misses, without=active):
            refused = refused_times(view) | {time_key(active)}
            slot = diaries.earliest(requirements_of(view, diaries), referral_id, refused)
        if slot is not None:
            diaries.take(slot.link_worker, slot.starts_at, slot.minutes, referral_id, referral_id, slot.mode)
            diaries.assign(referral_id, slot.link_worker)
        found.append(Proposed(referral_id, slot))
    return found


def moved_to(was: MeetingShown, slot: Slot | None) -> MeetingShown | None:
    """The meeting as it would be shown at another time."""
    if slot is None:
        return None
    return replace(
        was,
        link_worker=slot.link_worker,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        place=slot.place,
        mode=slot.mode,
        provisional=True,
    )


def shortened(leave: Leave, back_on: date) -> Leave | None:
    """The leave of a link worker who is back on this day; None if nothing is left of it."""
    if back_on <= leave.first:
        return None
    return Leave(first=leave.first, last=min(leave.last, back_on - timedelta(days=1)))
