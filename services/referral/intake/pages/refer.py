"""The form. Everything typed is kept, whatever happens."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from services.referral.api import ReferralId
from services.referral.identity.matching import SamePersonQuestion, name_of
from services.referral.intake.address import distance_warning, postcode_error
from services.referral.intake.pages import forms
from services.referral.intake.pages.forms import FormInput
from services.referral.intake.service import KnownPerson
from services.referral.intake.validation import ValidationFailed, contact_sentence, validate
from services.referral.tracking import returned as sent_back
from services.referral.tracking.status import read_referral
from services.referral.web.templating import desk, shown
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.localities import Practice
from shared.platform.people.nhs_number import NHSNumberError, parse_nhs_number
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

Referrer = Annotated[Principal, Depends(require_page("referrer"))]
_SEEN = "alike_seen"
_FAR_SEEN = "far_seen"
_PRESSED = "pressed"


def routes() -> APIRouter:
    """/referral/new"""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/new")
    async def blank(request: Request, caller: Referrer) -> Response:
        return form_page(request, caller, FormInput())

    @router.get("/referral/referrals/{referral_id}/again")
    async def again(request: Request, referral_id: ReferralId, caller: Referrer) -> Response:
        row = await sent_back.returned(desk(request).kernel.mongo, caller, referral_id)
        typed = forms.as_before(await sent_back.before(desk(request), caller, row))
        found = await read_referral(desk(request), caller, referral_id, "referring")
        return form_page(request, caller, typed, returned=found.returned)

    @router.post("/referral/referrals/{referral_id}/file")
    async def file(request: Request, referral_id: ReferralId, caller: Referrer, _: CheckedForm) -> Response:
        await sent_back.file(desk(request), caller, referral_id)
        return RedirectResponse("/referral/?group=ended&filed=1", 303)

    @router.post("/referral/new/find")
    async def find(request: Request, caller: Referrer, form: CheckedForm) -> Response:
        return await _found_page(request, caller, forms.read_form(form), form)

    @router.post("/referral/new")
    async def save(request: Request, caller: Referrer, form: CheckedForm) -> Response:
        typed = forms.read_form(form)
        if form.get(_PRESSED) == "enter" and typed.text("nhs_number") and not typed.text("family_name"):
            # Enter beside the number: they look for the person and have come no further.
            return await _found_page(request, caller, typed, form)
        asked, errors = forms.to_request(typed)
        try:
            asked = await sent_back.whole(desk(request), caller, asked)
            practice, locality = desk(request).practice(caller, asked.practice)
            accepted = validate(asked, practice, locality, desk(request).today(), errors)
            seen = text_field(form, _SEEN)
            alike = None if accepted.person.nhs_number else await desk(request).alike(caller, accepted)
            if alike is not None and alike["referral"] != seen:
                return form_page(request, caller, typed, 409, form=form, alike=alike)
            far = distance_warning(practice, accepted.person.postcode)
            if far is not None and text_field(form, _FAR_SEEN) != accepted.person.postcode:
                place = accepted.person.postcode
                return form_page(request, caller, typed, 409, form=form, far=far, far_seen=place)
            key = idempotency_key(form)
            digest = desk(request).digest(locality.slug, asked.model_dump_json())
            idempotency = Idempotency(caller.subject, "referral/form", key, digest) if key else None
            done = await desk(request).refer(caller, accepted, idempotency)
        except ValidationFailed as refused:
            known, _ = await _find(request, caller, typed)  # or what was found would be gone from the page
            existing = known.open if known else None
            return form_page(request, caller, typed, 422, errors=refused.errors, form=form, existing=existing)
        except SamePersonQuestion as question:
            told = name_of(accepted.person)
            return form_page(request, caller, typed, 409, form=form, question=question, told=told)
        except Problem as problem:
            if problem.status_code == 429:
                page = form_page(request, caller, typed, 429, form=form, too_many=problem.explanation)
                page.headers.update(problem.headers or {})
                return page
            if problem.status_code != 409:
                raise
            if problem.code == "not_sent_back":
                wrong = [FieldError("/resends", problem.code, problem.explanation or problem.title)]
                return form_page(request, caller, typed, 409, errors=wrong, form=form)
            existing = problem.extensions.get("existing")
            refusal = problem.explanation
            return form_page(request, caller, typed, 409, form=form, existing_id=existing, refusal=refusal)
        return RedirectResponse(f"/referral/referrals/{done.reply['id']}?made=1", 303)

    return router


async def _found_page(request: Request, caller: Principal, typed: FormInput, form: FormData) -> Response:
    known, errors = await _find(request, caller, typed)
    if known is not None:
        typed = forms.filled_in(typed, known.person)
    outcome = "known" if known else "wrong" if errors else "not_known"
    existing = known.open if known else None
    return form_page(request, caller, typed, errors=errors, form=form, found=outcome, existing=existing)


def form_page(
    request: Request,
    caller: Principal,
    typed: FormInput,
    status: int = 200,
    *,
    errors: list[FieldError] | None = None,
    form: FormData | None = None,
    **context: Any,
) -> Response:
    """The form with what was typed."""
    practices = own_practices(request, caller)
    key = idempotency_key(form) if form is not None else None
    if errors:
        key = None  # what is sent next is another request
    unknown = postcode_error(typed.text("postcode"), None)
    context.setdefault("far_seen", text_field(form, _FAR_SEEN, 20) if form is not None else "")
    return shown(
        request,
        "new.html",
        status,
        typed=typed,
        errors=errors or [],
        places=forms.ERROR_PLACES,
        practices=practices,
        younger=_younger(request, practices),
        confirm_postcode=unknown is not None and unknown.may_be_confirmed,
        hub=contact_sentence(desk(request).localities.hub),
        key=key,
        **context,
    )


def own_practices(request: Request, caller: Principal) -> list[Practice]:
    """The practices that the caller refers from, by name."""
    known = [desk(request).localities.practice(code) for code in caller.practices]
    return sorted((each for each in known if each is not None), key=lambda each: each.display_name)


def _younger(request: Request, practices: list[Practice]) -> int | None:
    ages = {
        locality.minimum_age
        for practice in practices
        if (locality := desk(request).localities.of_practice(practice.ods)) is not None
    }
    return max(ages, default=None)


async def _find(
    request: Request, caller: Principal, typed: FormInput
) -> tuple[KnownPerson | None, list[FieldError]]:
    """Who is known at the practice under the NHS number and date of birth that were typed."""
    born, errors = forms.date_of_birth(typed)
    if born is None and not errors:
        errors = [FieldError("/date_of_birth", "missing", "Enter the date of birth to find them")]
    number = ""
    try:
        number = parse_nhs_number(typed.text("nhs_number"))
    except NHSNumberError as refused:
        sentence = str(refused) if typed.text("nhs_number") else "Enter the NHS number to find them"
        errors = [FieldError("/nhs_number", refused.code, sentence), *errors]
    if errors or born is None:
        return None, errors
    try:
        practice, locality = desk(request).practice(caller, typed.text("practice") or None)
    except ValidationFailed as refused:
        return None, refused.errors
    return await desk(request).find(caller, practice, locality, number, born), []
