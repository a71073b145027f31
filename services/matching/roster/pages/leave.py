"""Pages for leave and sickness. They show what becomes of the meetings before anything is recorded.

A link worker plans their own leave at /matching/leave and sees names. An administrator does it for any link
worker of their localities, at that link worker's entry, and sees references.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    contact_flags,
    person_contact,
)
from services.matching.referral_state.views import ToRing
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.pages.away import Moved
from services.matching.roster.pages.leave_form import (
    PARTS,
    WHEN,
    leave_fields,
    leave_in_words,
    leave_of,
    read_leave,
)
from services.matching.web.banner import banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, day_fields
from services.matching.web.templating import Administrator, SignedInLinkWorker, render, request_context, today
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

OWN = "/matching/leave"
THEIRS = "/matching/administration/link-workers/{link_worker}/leave"


@dataclass(frozen=True, slots=True)
class LeavePages:
    """The pages of one link worker's leave, for the caller who reads them."""

    request: Request
    caller: Principal
    link_worker: str
    at: str
    own: bool

    async def page(
        self, errors: Sequence[FieldError] = (), typed: Mapping[str, Any] | None = None
    ) -> Response:
        """The leave that there is, and the form for more."""
        worker = await queries(self.request).roster.link_worker(self.caller, self.link_worker)
        typed = typed or {"part": "all"}
        return self._render(
            "leave.html",
            worker,
            status=422 if errors else 200,
            leaves=[
                (leave, leave_in_words(leave), leave_fields(leave))
                for leave in sorted(worker.leave, key=lambda each: each.first)
                if leave.last >= today(self.request)
            ],
            when=WHEN,
            parts=PARTS,
            typed=typed,
            first=day_fields(typed, "first"),
            last=day_fields(typed, "last"),
            errors=list(errors),
            done=banner(self.request),
        )

    async def preview(self, form: FormInput) -> Response:
        """The meetings that a leave would move, each with its new time. Nothing is changed."""
        try:
            leave = read_leave(form, today(self.request))
        except FormErrors as wrong:
            return await self.page(wrong.errors, form.as_submitted())
        roster = queries(self.request).roster
        worker = await roster.link_worker(self.caller, self.link_worker)
        found = await roster.preview(self.caller, self.link_worker, leave)
        moved = await self._moved(found.meetings)
        return self._render(
            "leave-preview.html",
            worker,
            leave=leave_in_words(leave),
            fields=leave_fields(leave),
            moves=[each for each in moved if each.now],
            waits=[each for each in moved if not each.now],
            moved_by=found.moved_by,
        )

    async def record(self, form: CheckedForm) -> Response:
        """Records the leave, and shows whom to ring."""
        leave = leave_of(FormInput(form))
        roster = features(self.request).roster
        found = await roster.away(request_context(self.caller, form), self.link_worker, leave)
        return await self._recorded(leave, found)

    async def people(self, form: FormInput) -> Response:
        """The people whose meetings a recorded leave moved."""
        leave = leave_of(form)
        found = await queries(self.request).roster.moved(self.caller, self.link_worker, leave)
        return await self._recorded(leave, found)

    async def _recorded(self, leave: Leave, found: Sequence[ToRing]) -> Response:
        worker = await queries(self.request).roster.link_worker(self.caller, self.link_worker)
        return self._render(
            "leave-recorded.html",
            worker,
            leave=leave_in_words(leave),
            fields=leave_fields(leave),
            may_undo=leave in worker.leave,
            booking=await queries(self.request).booking.offer(worker.locality),
            moved=await self._moved(found),
        )

    async def undo(self, form: CheckedForm) -> Response:
        """Takes a leave back, and shows who has the old time again."""
        leave, roster = leave_of(FormInput(form)), features(self.request).roster
        found = await roster.here_after_all(request_context(self.caller, form), self.link_worker, leave)
        worker = await queries(self.request).roster.link_worker(self.caller, self.link_worker)
        return self._render(
            "leave-undone.html",
            worker,
            leave=leave_in_words(leave),
            booking=await queries(self.request).booking.offer(worker.locality),
            moved=await self._moved(found),
        )

    async def back(self, form: CheckedForm) -> Response:
        """Ends a leave: the link worker is back."""
        typed = FormInput(form)
        leave, now = leave_of(typed), today(self.request)
        try:
            day = typed.day(
                "back",
                "Enter the day on which they are back",
                first=now,
                last=leave.last,
                outside="The day is from today to the end of the leave",
            )
            day = typed.required(day)
        except FormErrors as wrong:
            return await self.page(wrong.errors, typed.as_submitted())
        roster = features(self.request).roster
        await roster.back(request_context(self.caller, form), self.link_worker, leave, day)
        return RedirectResponse(f"{self.at}?done=leave-ended", 303)

    async def _moved(self, found: Sequence[ToRing]) -> list[Moved]:
        people: Mapping[str, Mapping[str, Any]] = {}
        if self.own:
            cases = [each.case for each in found]
            people = await queries(self.request).referrals.people(
                self.caller, cases, NAME_AND_TELEPHONE, "caseload"
            )
        return [
            Moved(
                each.case.referral_id,
                person_contact(people, each.case.referral_id),
                contact_flags(each.case) if self.own else (),
                each.was.starts_at,
                each.now,
            )
            for each in found
        ]

    def _render(self, template: str, worker: LinkWorker, status: int = 200, **shown: Any) -> Response:
        page = {"at": self.at, "own": self.own, "worker": worker, "today": today(self.request)}
        return render(self.request, template, status, **page, **shown)


def own_pages(request: Request, caller: SignedInLinkWorker) -> LeavePages:
    """The pages of the caller's own leave."""
    return LeavePages(request, caller, caller.link_worker or "", OWN, own=True)


async def their_pages(request: Request, link_worker: str, caller: Administrator) -> LeavePages:
    """The pages of the leave of a link worker whose entry the caller keeps."""
    # Before a form is judged: that of another locality's link worker is not there.
    await queries(request).roster.link_worker(caller, link_worker)
    at = THEIRS.replace("{link_worker}", link_worker)
    return LeavePages(request, caller, link_worker, at, own=False)


Own = Annotated[LeavePages, Depends(own_pages)]
Theirs = Annotated[LeavePages, Depends(their_pages)]


@router.get(OWN)
async def own_leave(pages: Own) -> Response:
    """Serves the caller's leave."""
    return await pages.page()


@router.get(THEIRS)
async def leave(pages: Theirs) -> Response:
    """Serves a link worker's leave."""
    return await pages.page()


@router.post(OWN + "/preview")
async def preview_own(pages: Own, form: CheckedForm) -> Response:
    """Shows what the caller's leave would move."""
    return await pages.preview(FormInput(form))


@router.post(THEIRS + "/preview")
async def preview(pages: Theirs, form: CheckedForm) -> Response:
    """Shows what a link worker's leave would move."""
    return await pages.preview(FormInput(form))


@router.post(OWN)
async def record_own(pages: Own, form: CheckedForm) -> Response:
    """Records the caller's leave."""
    return await pages.record(form)


@router.post(THEIRS)
async def record(pages: Theirs, form: CheckedForm) -> Response:
    """Records a link worker's leave."""
    return await pages.record(form)


@router.post(OWN + "/people")
async def people_own(pages: Own, form: CheckedForm) -> Response:
    """Shows whom the caller's leave moved."""
    return await pages.people(FormInput(form))


@router.post(THEIRS + "/people")
async def people(pages: Theirs, form: CheckedForm) -> Response:
    """Shows whom a link worker's leave moved."""
    return await pages.people(FormInput(form))


@router.post(OWN + "/undo")
async def undo_own(pages: Own, form: CheckedForm) -> Response:
    """Takes the caller's leave back."""
    return await pages.undo(form)


@router.post(THEIRS + "/undo")
async def undo(pages: Theirs, form: CheckedForm) -> Response:
    """Takes a link worker's leave back."""
    return await pages.undo(form)


@router.post(OWN + "/end")
async def end_own(pages: Own, form: CheckedForm) -> Response:
    """Ends the caller's leave."""
    return await pages.back(form)


@router.post(THEIRS + "/end")
async def end(pages: Theirs, form: CheckedForm) -> Response:
    """Ends a link worker's leave."""
    return await pages.back(form)
