"""The page for a sick day: meetings move at once, the link worker sees the people to ring, and can undo it.

GET /matching/away shows the state. POST moves the meetings, POST /matching/away/undo moves them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    Flag,
    PersonContact,
    contact_flags,
    person_contact,
)
from services.matching.referral_state.views import MeetingShown, ToRing
from services.matching.roster.absence import one_day_of
from services.matching.roster.link_workers import Leave
from services.matching.web.banner import back_to, banner
from services.matching.web.features import features, queries
from services.matching.web.templating import SignedInLinkWorker, render, request_context, today
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """One person whose meeting was moved, and their meeting now."""

    referral_id: str
    person: PersonContact
    flags: Sequence[Flag]
    was: datetime
    now: MeetingShown | None

    @property
    def given_back(self) -> bool:
        """True if the person has the earlier time again."""
        return self.now is not None and self.now.starts_at == self.was


@router.get("/matching/away")
async def ask(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the page: before, the meetings ahead; after, the people to ring."""
    asks, day = queries(request), today(request)
    worker, now = await asks.roster.link_worker(caller), asks.now()
    asks.referrals.owners.require_ours("casework", worker.locality)
    booking = await asks.booking.offer(worker.locality)
    ahead = [
        entry
        for entry in await asks.booking.today(caller)
        if entry.meeting.starts_at > now and entry.meeting.status == "booked"
    ]
    shown: dict[str, Any] = {"today": day, "booking": booking, "ahead": len(ahead), "moved": None}
    if worker.away(day):
        moved = await _moved(request, caller, await asks.roster.moved_today(caller, day))
        shown |= {"moved": moved, "may_undo": one_day_of(worker, day), "done": banner(request)}
    return render(request, "away.html", **shown)


@router.post("/matching/away")
async def move(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Moves today's meetings."""
    await features(request).roster.off_sick(
        request_context(caller, form), caller.link_worker or "", today(request)
    )
    return back_to("/matching/away", "off-sick")


@router.post("/matching/away/undo")
async def undo(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Moves the meetings back and serves the list of their people."""
    day = today(request)
    found = await features(request).roster.here_after_all(
        request_context(caller, form), caller.link_worker or "", Leave(first=day, last=day)
    )
    worker = await queries(request).roster.link_worker(caller)
    booking = await queries(request).booking.offer(worker.locality)
    moved = await _moved(request, caller, found)
    return render(request, "here.html", today=day, booking=booking, moved=moved)


async def _moved(request: Request, caller: Principal, found: Sequence[ToRing]) -> list[Moved]:
    people = await queries(request).referrals.people(
        caller, [each.case for each in found], NAME_AND_TELEPHONE, "caseload"
    )
    return [
        Moved(
            each.case.referral_id,
            person_contact(people, each.case.referral_id),
            contact_flags(each.case),
            each.was.starts_at,
            each.now,
        )
        for each in found
    ]
