"""The case page: history, next step, plan, and the forms for what the link worker can do now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.booking.part import BookingOffer
from services.matching.casework.pages.covering import covering
from services.matching.casework.pages.plan_and_scores import goals, scores, words_of_plan
from services.matching.referral_state.pages.attention import button_for, instead_for, why
from services.matching.referral_state.pages.history import history_lines
from services.matching.referral_state.pages.next_step import next_step_form
from services.matching.referral_state.pages.person_header import (
    ADDRESS,
    NAME_AND_TELEPHONE,
    about_person,
    contact_flags,
    flags,
    home_address,
    needs_in_words,
    person_contact,
    practice_name,
)
from services.matching.referral_state.views import CaseShown, MeetingShown, NeedsYouLine, PrescriptionShown
from services.matching.web.banner import banner
from services.matching.web.features import queries
from services.matching.web.forms import day_fields, form_error
from services.matching.web.grammar import listed
from services.matching.web.templating import SignedInLinkWorker, localities, render, today
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.dates import day_and_time
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)


@router.get("/matching/cases/{referral}")
async def case(request: Request, referral: str, caller: SignedInLinkWorker) -> Response:
    """Serves the case page."""
    return await case_page(request, caller, referral)


@router.post("/matching/cases/{referral}/notes")
async def notes(request: Request, referral: str, caller: SignedInLinkWorker, _: CheckedForm) -> Response:
    """Serves the case page with the notes shown."""
    # A POST, so that going back does not show the notes again.
    return await case_page(request, caller, referral, with_notes=True)


async def case_page(
    request: Request,
    caller: Principal,
    referral: str,
    *,
    with_notes: bool = False,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
    opened: str = "",
) -> Response:
    """Renders the page. After a mistake, it shows the errors and the input, with form `opened` unfolded."""
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    line = case.line
    visit = ADDRESS if line.active and line.active.mode is v.MeetingMode.HOME else ()
    fields = (*NAME_AND_TELEPHONE, "sensitive_needs", *visit)
    people, booking, active = await asyncio.gather(
        asks.referrals.people(caller, [line], fields, "caseload"),
        asks.booking.offer(line.locality),
        _placed(request, line.active),
    )
    line = replace(line, active=active)
    wanted = [*words_of_plan(case), *(_note_ids(case) if with_notes else ())]
    notes = await asks.referrals.notes(caller, referral, wanted) if wanted else {}
    where = f"/matching/cases/{referral}"
    return render(
        request,
        "case.html",
        status=422 if errors else 200,
        case=case,
        line=line,
        where=where,
        today=today(request),
        begun=line.active is not None and line.active.starts_at <= asks.now(),
        booking=booking,
        covering=await covering(request, caller, line),
        person=person_contact(people, referral),
        home_address=home_address(line.active, line, people),
        sensitive=_sensitive(people.get(referral, {})),
        flags=flags(line),
        contact_flags=contact_flags(line),
        practice=practice_name(localities(request), line.practice),
        needs=needs_in_words(line.needs),
        about=about_person(line),
        reasons=[
            (why(task), (button_for(task), *([other] if (other := instead_for(task)) else [])))
            for task in (
                NeedsYouLine(line, each, service=_service_of(case, each.about)) for each in line.reasons
            )
        ],
        history=history_lines(case),
        with_notes=with_notes,
        notes=notes,
        has_notes=bool(_note_ids(case)),
        step_form=next_step_form(today(request), typed or {}),
        after_form=next_step_form(today(request), typed or {}, "after"),
        service_button=service_button,
        reopening=await _reopening(request, caller, case, booking),
        meet_from=day_fields(typed or {}, "meet_from"),
        what_matters=notes.get(case.story.plan.what_matters or "") if case.story.plan else None,
        goals=goals(case, notes),
        scores=scores(case),
        words_missing=not notes and bool(words_of_plan(case)),
        note_titles=_note_titles(case),
        typed=typed or {},
        errors=list(errors),
        opened=opened or request.query_params.get("open", ""),
        done=banner(request, case.history, f"{where}/undo"),
        agreements=_agreements(case),
        names_missing=not people,
        hub=localities(request).hub,
    )


async def undo_page(request: Request, caller: Principal, referral: str, source: str, event: str) -> Response:
    """Asks for confirmation before a fact is undone. Only recording it again brings it back."""
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    fact = next(
        (each for each in history_lines(case) if (each.source, each.event_id) == (source, event)), None
    )
    if fact is None or fact.undone or not fact.undo:
        # The fact is undone already or cannot be undone. The case page shows its state.
        return await case_page(
            request,
            caller,
            referral,
            errors=[form_error("story", "This has been undone, or cannot be undone.")],
        )
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "caseload")
    where = f"/matching/cases/{referral}"
    return render(
        request, "undo.html", line=case.line, person=person_contact(people, referral), fact=fact, where=where
    )


async def _placed(request: Request, meeting: MeetingShown | None) -> MeetingShown | None:
    return await queries(request).booking.placed(meeting) if meeting else None


async def _reopening(
    request: Request, caller: Principal, case: CaseShown, booking: BookingOffer
) -> list[tuple[str, str]]:
    """The choices of a meeting when a closed case is reopened: (value, label)."""
    if case.line.open or case.story.erased:
        return []
    if booking.owner is not None:
        # The owner answers an open case only, so that no time can be chosen before.
        met = bool(case.story.attended)
        return [
            ("none", "No appointment now") if met else ("next", f"{booking.owner.name} books the next time")
        ]
    slots = await queries(request).booking.options_to_reopen(caller, case.line.referral_id)
    times = [(slot.key, f"Book {day_and_time(slot.starts_at)}") for slot in slots]
    if case.story.attended:
        return [("none", "No appointment now"), *times]
    return [*(times or [("next", "Book the next time that comes free")]), ("later", "Not yet")]


def _note_ids(case: CaseShown) -> list[str]:
    ids = [case.line.risk_note, case.story.created.reason_note if case.story.created else None]
    ids += [fact.note for fact in case.history]
    return list(dict.fromkeys(note for note in ids if note))


def _note_titles(case: CaseShown) -> list[tuple[str, str]]:
    """Titles of the referrer's notes, by id. All other notes are shown in the history."""
    reason = case.story.created.reason_note if case.story.created else None
    titles = [("Risk", case.line.risk_note), ("Reason for referring", reason)]
    return [(title, note) for title, note in titles if note]


def service_button(prescription: PrescriptionShown) -> str:
    """The label of the button for the most likely next record about a service of the plan."""
    if prescription.status == "asked":
        return "Record their answer"
    if prescription.status in ("accepted", "waiting_list", "signposted", "not_started"):
        return "Record the first visit"
    return "Open"


def _service_of(case: CaseShown, prescription: str | None) -> str | None:
    return next((p.service for p in case.prescriptions if p.prescription_id == prescription), None)


def _sensitive(person: Mapping[str, Any]) -> str:
    codes = person.get("sensitive_needs") or ()
    return listed([labels.SENSITIVE_NEEDS.get(str(code), str(code)) for code in codes])


def _agreements(case: CaseShown) -> list[tuple[str, str, v.Agreed]]:
    """(field, question, answer) of the agreements that are not about one service."""
    return [
        ("details_to_gp", "May their GP see details of the plan?", case.story.details_to_gp),
        ("follow_up", "May we ask follow-up questions later?", case.story.follow_up),
    ]
