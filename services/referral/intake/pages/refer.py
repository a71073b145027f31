"""The referral form. Whatever happens, the form keeps everything that the user typed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from services.referral.identity.context import Context, context_of
from services.referral.identity.matching import SamePersonQuestion, name_of
from services.referral.intake.address import distance_warning, postcode_error
from services.referral.intake.pages import forms
from services.referral.intake.resend import complete, read_original
from services.referral.intake.service import KnownPerson, Service, service_of
from services.referral.intake.validation import validate
from services.referral.referral_state.queries import find_visible
from services.referral.tracking.elsewhere import elsewhere_only, referred_elsewhere
from services.referral.tracking.returned import find_returned
from services.referral.tracking.status import read_referral
from services.referral.web.errors import ValidationFailed, contact_sentence
from services.referral.web.forms import FormInput, date_of_birth
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.platform.localities import Practice
from shared.platform.people.nhs_number import NHSNumberError, parse_nhs_number
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Referrer = Annotated[Principal, Depends(require_page("referrer"))]
# Hidden fields: warnings that the user has seen, and the key that was pressed.
_ALIKE_SEEN = "alike_seen"
_FAR_SEEN = "far_seen"
_PRESSED = "pressed"


@router.get("/referral/new")
async def blank(request: Request, caller: Referrer) -> Response:
    """An empty form."""
    elsewhere_only(context_of(request), caller)
    return form_page(request, caller, FormInput())


@router.get("/referral/referrals/{referral_id}/again")
async def again(request: Request, referral_id: ReferralId, caller: Referrer, context: Context) -> Response:
    """The form of a returned referral, filled in as it was first sent."""
    row = await find_returned(context.mongo, caller, referral_id)
    typed = forms.original_form(await read_original(context, caller, row))
    found = await read_referral(context, caller, referral_id, "referring")
    return form_page(request, caller, typed, returned=found.returned)


@router.post("/referral/new/known")
async def known(
    request: Request, caller: Referrer, form: CheckedForm, context: Context, service: Service
) -> Response:
    """The form with the details of the person behind one of the practice's referrals."""
    row = await find_visible(context.mongo, caller, text_field(form, "referral", 40))
    context.require_ours(row["locality"])
    person = await service.known_by(caller, row)
    typed = forms.person_form(person.person, row["view"]["practice"])
    return form_page(request, caller, typed, found="known", existing=person.open)


@router.post("/referral/new/find")
async def find(request: Request, caller: Referrer, form: CheckedForm) -> Response:
    """The form with the details of a person whom the practice has referred before."""
    return await _found_page(request, caller, forms.read_form(form), form)


@router.post("/referral/new")
async def save(
    request: Request, caller: Referrer, form: CheckedForm, context: Context, service: Service
) -> Response:
    """Makes the referral, or shows the form again with errors, a question or a warning."""
    typed = forms.read_form(form)
    if form.get(_PRESSED) == "enter" and typed.text("nhs_number") and not typed.text("family_name"):
        # The user pressed Enter beside the number, so they look for the person.
        return await _found_page(request, caller, typed, form)
    referral, errors = forms.to_request(typed)
    try:
        referral = await complete(context, caller, referral)
        practice, locality = service.practice(caller, referral.practice)
        accepted = validate(referral, practice, locality, context.today(), errors)
        alike = None if accepted.person.nhs_number else await service.find_alike(caller, accepted)
        if alike is not None and alike["referral"] != text_field(form, _ALIKE_SEEN):
            return form_page(request, caller, typed, 409, form=form, alike=alike)
        far = distance_warning(practice, accepted.person.postcode)
        if far is not None and text_field(form, _FAR_SEEN) != accepted.person.postcode:
            place = accepted.person.postcode
            return form_page(request, caller, typed, 409, form=form, far=far, far_seen=place)
        key, body = idempotency_key(form), referral.model_dump_json()
        idempotency = context.idempotency(caller, "form", key, locality.slug, body)
        done = await service.refer(caller, accepted, idempotency)
    except ValidationFailed as refused:
        # Otherwise the page would lose the person that was found.
        known, _ = await _find(request, caller, typed)
        existing = known.open if known else None
        return form_page(request, caller, typed, 422, errors=refused.errors, form=form, existing=existing)
    except SamePersonQuestion as question:
        given = name_of(accepted.person)
        return form_page(request, caller, typed, 409, form=form, question=question, told=given)
    except Problem as problem:
        return _refused_page(request, caller, typed, form, problem)
    return RedirectResponse(f"/referral/referrals/{done.reply['id']}?made=1", 303)


def _refused_page(
    request: Request, caller: Principal, typed: FormInput, form: FormData, problem: Problem
) -> Response:
    """The form with the reason of a 429 or 409 Problem. Raises any other Problem."""
    if problem.status_code == 429:
        page = form_page(request, caller, typed, 429, form=form, too_many=problem.explanation)
        page.headers.update(problem.headers or {})
        return page
    if problem.status_code != 409:
        raise problem
    if problem.code == "not_sent_back":
        errors = [FieldError("/resends", problem.code, problem.explanation or problem.title)]
        return form_page(request, caller, typed, 409, errors=errors, form=form)
    existing, refusal = problem.extensions.get("existing"), problem.explanation
    return form_page(request, caller, typed, 409, form=form, existing_id=existing, refusal=refusal)


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
    """The form with the values that the user typed."""
    practices = own_practices(request, caller)
    key = idempotency_key(form) if form is not None else None
    if errors:
        key = None  # The corrected form will be another request.
    unknown = postcode_error(typed.text("postcode"), None)
    context.setdefault("far_seen", text_field(form, _FAR_SEEN, 20) if form is not None else "")
    return render(
        request,
        "new.html",
        status,
        typed=typed,
        errors=errors or [],
        places=forms.ERROR_PLACES,
        practices=practices,
        elsewhere=referred_elsewhere(context_of(request), caller),
        younger=_younger(request, practices),
        more=forms.has_more(typed),
        confirm_postcode=unknown is not None and unknown.may_be_confirmed,
        hub=contact_sentence(context_of(request).localities.hub),
        key=key,
        **context,
    )


def own_practices(request: Request, caller: Principal) -> list[Practice]:
    """The practices that the caller refers from here, by name."""
    context = context_of(request)
    known = [context.localities.practice(code) for code in caller.practices]
    ours = (each for each in known if each and (each.locality is None or context.speaks(each.locality)))
    return sorted(ours, key=lambda each: each.display_name)


def _younger(request: Request, practices: list[Practice]) -> int | None:
    ages = {
        locality.minimum_age
        for practice in practices
        if (locality := context_of(request).localities.of_practice(practice.ods)) is not None
    }
    return max(ages, default=None)


async def _find(
    request: Request, caller: Principal, typed: FormInput
) -> tuple[KnownPerson | None, list[FieldError]]:
    """The person known at the practice under the typed NHS number and date of birth, or errors."""
    born, errors = date_of_birth(typed)
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
        practice, locality = service_of(request).practice(caller, typed.text("practice") or None)
    except ValidationFailed as refused:
        return None, refused.errors
    context_of(request).require_ours(locality.slug)
    return await service_of(request).find(caller, practice, locality, number, born), []
