"""The directory pages: search, one service, report of a wrong listing, free places."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from services.matching.directory.pages.service_words import in_words
from services.matching.directory.use_cases import SAYS_PLACES
from services.matching.directory.views import FoundService, ListingFault
from services.matching.web.banner import banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.templating import render, request_context, search_cookie, today
from shared.contract import labels
from shared.contract.events.vocabulary import Need
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

Reader = Annotated[Principal, Depends(require_page("link_worker", "referrer", "programme_admin"))]
Speaker = Annotated[Principal, Depends(require_page("link_worker", "programme_admin"))]

router = APIRouter(include_in_schema=False)


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@router.get("/matching/services")
async def search(request: Request, caller: Reader) -> Response:
    """Serves the search page with the results of its address."""
    return await _search_page(request, caller)


@router.post("/matching/services")
async def ask(request: Request, caller: Reader, form: CheckedForm) -> Response:
    """Redirects to the results of the submitted search."""
    return _searching(request, caller, form)


@router.get("/matching/services/{service}")
async def one(request: Request, service: str, caller: Reader) -> Response:
    """Serves the page of a service."""
    return await _service_page(request, caller, service)


@router.post("/matching/services/{service}/flag")
async def flag(request: Request, service: str, caller: Reader, form: CheckedForm) -> Response:
    """Reports a wrong listing to the programme."""
    typed = FormInput(form)
    try:
        wrong = typed.choice("wrong", ListingFault, "Choose what is wrong")
        wrong = typed.required(wrong)
    except FormErrors as mistakes:
        return await _service_page(request, caller, service, mistakes)
    await features(request).directory.flag_listing(request_context(caller, form), service, wrong)
    return RedirectResponse(f"/matching/services/{service}?done=flagged", 303)


@router.post("/matching/services/{service}/places")
async def places(request: Request, service: str, caller: Speaker, form: CheckedForm) -> Response:
    """Records that a service has places again, or takes that back."""
    free = form.get("places") == "free"
    await features(request).directory.places(request_context(caller, form), service, free=free)
    done = "places-free" if free else "places-back"
    return RedirectResponse(f"/matching/services/{service}?done={done}", 303)


def _searching(request: Request, caller: Principal, form: FormData) -> Response:
    """Redirects to the results. Codes go into the address, the postcode into a sealed cookie."""
    typed = {name: text_field(form, name, 20) for name in (*_CODES, "postcode")}
    postcode = typed.pop("postcode")
    asked_for = {"search": "yes", "near": "yes" if postcode else "", **typed}
    query = urlencode({name: value for name, value in asked_for.items() if value})
    answer = RedirectResponse(f"/matching/services?{query}", 303)
    search_cookie(request).put(answer, {"of": caller.subject, "postcode": postcode})
    return answer


def _near(request: Request, caller: Principal) -> str:
    """The postcode of the last search by this reader, not by another user of the same browser."""
    kept = search_cookie(request).read(request) if "near" in request.query_params else None
    return str(kept["postcode"]) if kept and kept["of"] == caller.subject else ""


async def _search_page(request: Request, caller: Principal) -> Response:
    queries(request).directory.ownership.require_any(caller)
    asked_for = {name: request.query_params.get(name, "").strip()[:20] for name in _CODES}
    asked_for["postcode"] = _near(request, caller)
    free = asked_for["free"] == "yes"
    searched = "search" in request.query_params or any(asked_for.values())
    errors = []
    need = Need(asked_for["need"]) if asked_for["need"] in set(Need) else None
    weekday = int(asked_for["day"]) if asked_for["day"] in {"0", "1", "2", "3", "4", "5", "6"} else None
    age = None
    if asked_for["age"]:
        if asked_for["age"].isascii() and asked_for["age"].isdigit() and int(asked_for["age"]) <= 130:
            age = int(asked_for["age"])
        else:
            errors.append(form_error("age", "Enter an age in whole years, such as 67"))
    found: list[FoundService] = []
    if searched and not errors:
        try:
            found = await queries(request).directory.find_services(
                caller, need, asked_for["postcode"] or None, weekday, age, free
            )
        except Problem as problem:
            if problem.status_code != 422:
                raise
            errors.append(form_error("postcode", "Enter a full postcode that exists, such as ST3 6AB"))
    day = today(request)
    return render(
        request,
        "directory.html",
        status=422 if errors else 200,
        asked_for=asked_for,
        free=free,
        searched=searched and not errors,
        found=[(each, in_words(each.service, day, each.availability)) for each in found],
        need_choices=[(each.value, labels.NEEDS[each.value]) for each in Need if each.value in SEARCHED],
        days=[(str(number), name) for number, name in enumerate(WEEKDAYS)],
        errors=errors,
        elsewhere=queries(request).directory.ownership.elsewhere(caller),
    )


_CODES = ("need", "day", "age", "free")
SEARCHED = set(labels.NEEDS) - {"not_sure", "sensitive"}


async def _service_page(
    request: Request, caller: Principal, service_id: str, mistakes: FormErrors | None = None
) -> Response:
    service = await queries(request).directory.seen_service(caller, service_id)
    if service is None:
        raise Problem(404, code="unknown_service", detail="This service is not in the directory any more.")
    places = (await queries(request).directory.availability([service]))[service.id]
    return render(
        request,
        "service.html",
        status=422 if mistakes else 200,
        service=service,
        listing=in_words(service, today(request), places),
        places=places,
        may_say_free=caller.role in SAYS_PLACES,
        faults=list(labels.LISTING_FAULTS.items()),
        errors=mistakes.errors if mistakes else [],
        done=banner(request),
    )
