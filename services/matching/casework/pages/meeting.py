"""The meeting page: one page from "did they come?" to the next step. A review uses the same page.

/matching/meetings/{id} and /matching/cases/{referral}/review.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.casework.inputs import UnmetNeed
from services.matching.casework.pages.plan_and_scores import words_of_plan
from services.matching.casework.pages.record_form import (
    ONS4,
    MeetingForm,
    draft_of,
    read_meeting_form,
    submitted_or,
)
from services.matching.casework.pages.suggestions import NeedSuggestions, suggested
from services.matching.referral_state.commands import GOING_ON
from services.matching.referral_state.pages.next_step import next_step_form
from services.matching.referral_state.pages.person_header import (
    ADDRESS,
    NAME_AND_TELEPHONE,
    about_person,
    flags,
    home_address,
    person_contact,
)
from services.matching.referral_state.views import CaseShown, MeetingShown
from services.matching.web.banner import back_to, banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.templating import (
    SignedInLinkWorker,
    localities,
    london_now,
    render,
    request_context,
    today,
)
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

# In the order of the vocabulary.
PLANNED_NEEDS = tuple(need for need in v.Need if need in labels.KNOWN_NEEDS)


@dataclass(frozen=True, slots=True)
class MeetingOrReview:
    """A case and the meeting that is recorded; None for a review. `where` is the address of the page."""

    case: CaseShown
    meeting: MeetingShown | None
    where: str


@dataclass(frozen=True, slots=True)
class Resubmission:
    """The form as it was sent, to be shown again with its errors."""

    typed: Mapping[str, Any]
    errors: Sequence[FieldError] = ()
    saved: bool = False
    with_notes: bool = False


@router.get("/matching/meetings/{meeting}")
async def meeting(request: Request, meeting: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page of a meeting."""
    return await _page(request, caller, await _of_meeting(request, caller, meeting))


@router.post("/matching/meetings/{meeting}")
async def record(request: Request, meeting: str, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Records the meeting, or saves the draft for the page's script."""
    if form.get("do") == "keep":
        found = await queries(request).booking.meeting(caller, meeting)
        return await _keep_only(request, caller, found.referral_id, form)
    return await _posted(request, caller, await _of_meeting(request, caller, meeting), form)


@router.get("/matching/cases/{referral}/review")
async def review(request: Request, referral: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page for a review without a meeting."""
    return await _page(request, caller, await _of_case(request, caller, referral))


@router.post("/matching/cases/{referral}/review")
async def reviewed(
    request: Request, referral: str, caller: SignedInLinkWorker, form: CheckedForm
) -> Response:
    """Records the review, or saves the draft for the page's script."""
    if form.get("do") == "keep":
        return await _keep_only(request, caller, referral, form)
    return await _posted(request, caller, await _of_case(request, caller, referral), form)


async def _of_meeting(request: Request, caller: Principal, meeting_id: str) -> MeetingOrReview:
    case = await queries(request).referrals.case_of_meeting(caller, meeting_id)
    meeting = next(each for each in case.meetings if each.meeting_id == meeting_id)
    return MeetingOrReview(case, meeting, f"/matching/meetings/{meeting_id}")


async def _of_case(request: Request, caller: Principal, referral: str) -> MeetingOrReview:
    case = await queries(request).referrals.case(caller, referral)
    return MeetingOrReview(case, None, f"/matching/cases/{referral}/review")


async def _posted(request: Request, caller: Principal, at: MeetingOrReview, form: CheckedForm) -> Response:
    typed, referral = FormInput(form), at.case.line.referral_id
    do = typed.raw("do")
    if do in ("draft", "services", "notes"):
        kept = await _keep(request, caller, referral, typed)
        again = Resubmission(
            typed.as_submitted(), kept, saved=do == "draft" and not kept, with_notes=do == "notes"
        )
        return await _page(request, caller, at, again)
    case_at = f"/matching/cases/{referral}"
    if do in ("leave", "missed"):
        # A link worker who leaves, by any button, finds the input again later.
        kept = await _keep(request, caller, referral, typed)
        if kept and do == "leave":
            return await _page(request, caller, at, Resubmission(typed.as_submitted(), kept))
        if do == "leave":
            return back_to(case_at, "draft")
    try:
        if do == "missed" and at.meeting is not None:
            missed = await features(request).booking.did_not_attend(
                request_context(caller, form), at.meeting.meeting_id
            )
            return back_to(case_at, "missed", missed)
        agreed = read_meeting_form(typed, today(request), _needs_in_plan(at.case))
        await _save(request, caller, at, agreed, form)
    except FormErrors as mistakes:
        errors = mistakes.errors
    except Problem as problem:
        if problem.status_code not in (409, 422, 503):
            raise
        errors = [form_error("finish", problem.explanation or problem.title)]
    else:
        return back_to(case_at, "met" if at.meeting else "reviewed")
    # The draft is saved too, so that closing the page now loses nothing.
    errors += await _keep(request, caller, referral, typed)
    return await _page(request, caller, at, Resubmission(typed.as_submitted(), errors))


async def _keep_only(request: Request, caller: Principal, referral: str, form: CheckedForm) -> Response:
    """Saves the draft for the page's script: 204 without a page, or 503 if it cannot be saved."""
    await features(request).drafts.save_draft(caller, referral, *draft_of(FormInput(form)))
    return Response(status_code=204)


async def _keep(request: Request, caller: Principal, referral: str, typed: FormInput) -> list[FieldError]:
    """Saves the draft. If that fails, returns an error for the page, which still shows the input."""
    try:
        await features(request).drafts.save_draft(caller, referral, *draft_of(typed))
    except Problem as problem:
        if problem.status_code != 503:
            raise
        return [form_error("finish", problem.explanation or problem.title)]
    return []


async def _save(
    request: Request, caller: Principal, at: MeetingOrReview, agreed: MeetingForm, form: CheckedForm
) -> None:
    """Records the plan first, because no service may be asked without a plan."""
    do, referral, step = features(request), at.case.line.referral_id, agreed.record.next_step
    meeting_id = at.meeting.meeting_id if at.meeting else None
    await do.casework.plan(request_context(caller, form, ":plan"), referral, agreed.record, meeting_id)
    for each in agreed.prescribing:
        await do.prescribing.prescribe(
            request_context(caller, form, f":add:{each.service_id}"), referral, replace(each, next_step=step)
        )
    for need, reason in agreed.unmet:
        await do.casework.unmet(
            request_context(caller, form, f":unmet:{need.value}"), referral, UnmetNeed(need, reason, step)
        )


async def _page(
    request: Request, caller: Principal, at: MeetingOrReview, again: Resubmission | None = None
) -> Response:
    asks, line = queries(request), at.case.line
    draft = None if again else await features(request).drafts.draft(caller, line.referral_id)
    typed = again.typed if again else draft or await _as_agreed(request, caller, at.case)
    visit = ADDRESS if at.meeting and at.meeting.mode is v.MeetingMode.HOME else ()
    people, meeting = await asyncio.gather(
        asks.referrals.people(caller, [line], (*NAME_AND_TELEPHONE, *visit), "meeting"),
        _placed(request, at.meeting),
    )
    needs = _needs(at.case, typed)
    notes = {}
    if again and again.with_notes:
        ids = [line.risk_note, at.case.story.created.reason_note if at.case.story.created else None]
        notes = await asks.referrals.notes(caller, line.referral_id, [note for note in ids if note])
    sections: list[NeedSuggestions] = [
        await suggested(request, caller, at.case, need) for need in needs if need is not v.Need.NOT_SURE
    ]
    return render(
        request,
        "meeting.html",
        status=422 if again and again.errors else 200,
        case=at.case,
        line=line,
        meeting=meeting,
        where=at.where,
        case_at=f"/matching/cases/{line.referral_id}",
        person=person_contact(people, line.referral_id),
        home_address=home_address(at.meeting, line, people),
        flags=flags(line),
        hub=localities(request).hub,
        about=about_person(line),
        needs=[need.value for need in needs],
        planned_needs=[(need.value, labels.NEEDS[need.value]) for need in PLANNED_NEEDS],
        sections=sections,
        typed=typed,
        from_draft=draft is not None,
        saved=again is not None and again.saved,
        with_notes=again is not None and again.with_notes,
        notes=notes,
        ons4=ONS4,
        step_form=next_step_form(today(request), typed),
        not_yet=at.meeting is not None and at.meeting.starts_at > london_now(request),
        misses=len(at.case.story.missed),
        errors=list(again.errors) if again else [],
        done=banner(request),
    )


async def _placed(request: Request, meeting: MeetingShown | None) -> MeetingShown | None:
    """The meeting with its place. Where another owner booked it, that one alone knows the room."""
    if meeting is None or meeting.status != "booked":
        return meeting
    return await queries(request).booking.placed(meeting)


async def _as_agreed(request: Request, caller: Principal, case: CaseShown) -> dict[str, Any]:
    """The fields of the current plan. Raises a 503 Problem if the vault cannot give its words.

    Without the words, saving would replace the plan with an emptier one.
    """
    plan = case.story.plan
    if plan is None:
        return {}
    wanted = words_of_plan(case)
    notes = await queries(request).referrals.notes(caller, case.line.referral_id, wanted)
    if len(notes) < len(set(wanted)) and not case.line.kept_elsewhere:
        raise Problem(
            503, code="vault_away", detail="The plan cannot be shown just now. Try again in a minute."
        )
    fields: dict[str, Any] = {"what_matters": notes.get(plan.what_matters or "", "")}
    for number, goal in enumerate(plan.goals, 1):
        fields |= {
            f"goal{number}_words": notes.get(goal.words or "", ""),
            f"goal{number}_need": goal.need.value,
            f"goal{number}_importance": goal.importance,
            f"goal{number}_confidence": goal.confidence,
        }
    return fields


def _needs_in_plan(case: CaseShown) -> frozenset[v.Need]:
    """The needs that an open service of the plan may still help with."""
    return frozenset(each.need for each in case.prescriptions if each.status in GOING_ON)


def _needs(case: CaseShown, typed: Mapping[str, Any]) -> list[v.Need]:
    """The needs as ticked. A new form starts with those of the plan, or of the referral."""
    so_far = (case.story.plan.needs if case.story.plan else ()) or case.line.needs
    chosen = submitted_or(typed, "needs", [need.value for need in so_far])
    return [need for need in v.Need if need.value in chosen]
