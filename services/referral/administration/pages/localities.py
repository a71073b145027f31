"""Pages of localities and their practices."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from services.referral.administration.pages.forms import (
    DESKS,
    Wrong,
    error,
    locality_typed,
    practice_typed,
    read_locality,
    read_practice,
    sentence_of,
    typed_in,
)
from services.referral.administration.pages.table import Administrator, ask_when
from services.referral.administration.use_cases import Administration, TableAdministration
from services.referral.web.templating import render
from shared.contract.events.models import LocalitySlug
from shared.platform.localities.changes import (
    AddLocality,
    AddPractice,
    ChangeLocality,
    ChangePractice,
    TableChange,
)
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME: Final = "/referral/administration/localities"
DESK_NAMES: Final = {"younger_people": "For younger people", "safeguarding": "For safeguarding"}
# Taken from the first locality: the same organisations often answer for all.
_TAKEN_OVER: Final = ("data_controller", "employer", "minimum_age")
_SLUG: Final = TypeAdapter(LocalitySlug)


@router.get(HOME)
async def listing(request: Request, caller: Administrator, table: Administration) -> Response:
    """Serves the caller's localities with their practices."""
    document = await table.document()
    found = [row for row in document["locality"] if caller.may_locality(row["slug"])]
    strangers = [row["name"] for row in document["locality"] if not caller.may_locality(row["slug"])]
    return render(request, "administration/localities.html", home=HOME, localities=found, strangers=strangers)


@router.get(HOME + "/add")
async def ask_new(request: Request, caller: Administrator, table: Administration) -> Response:
    """Serves the form of a new locality."""
    table.check_may(caller, None)
    first = (await table.document())["locality"][0]
    return _locality_page(request, None, {name: first.get(name, "") for name in _TAKEN_OVER})


@router.post(HOME + "/add")
async def add(request: Request, caller: Administrator, table: Administration, form: CheckedForm) -> Response:
    """Shows what a new locality changes."""
    errors: list[FieldError] = []
    entry = practice = None
    try:
        entry = read_locality(form)
    except Wrong as wrong:
        errors += wrong.errors
    try:
        practice = read_practice(form)
    except Wrong as wrong:
        errors += wrong.errors
    slug = text_field(form, "slug", 60)
    try:
        _SLUG.validate_python(slug)
    except ValidationError:
        # Beside the name, as on the form.
        errors.insert(sum(each.field == "name" for each in errors), error("slug", sentence_of("slug")))
    if errors or entry is None or practice is None:
        return _locality_page(request, None, typed_in(form), errors)
    change = AddLocality(slug=slug, entry=entry, practice=practice)
    return await _show(request, table, caller, change, partial(_locality_page, request, None, typed_in(form)))


@router.get(HOME + "/{slug}")
async def ask_change(request: Request, slug: str, caller: Administrator, table: Administration) -> Response:
    """Serves the form with a locality."""
    row = await _row(table, caller, slug)
    return _locality_page(request, row, locality_typed(row))


@router.post(HOME + "/{slug}")
async def change(
    request: Request, slug: str, caller: Administrator, table: Administration, form: CheckedForm
) -> Response:
    """Shows what a change of a locality changes."""
    row = await _row(table, caller, slug)
    try:
        asked = ChangeLocality(slug=slug, entry=read_locality(form))
    except Wrong as wrong:
        return _locality_page(request, row, typed_in(form), wrong.errors)
    return await _show(request, table, caller, asked, partial(_locality_page, request, row, typed_in(form)))


@router.get(HOME + "/{slug}/practices/add")
async def ask_practice(request: Request, slug: str, caller: Administrator, table: Administration) -> Response:
    """Serves the form of a new practice."""
    return _practice_page(request, await _row(table, caller, slug), None, {})


@router.post(HOME + "/{slug}/practices/add")
async def add_practice(
    request: Request, slug: str, caller: Administrator, table: Administration, form: CheckedForm
) -> Response:
    """Shows what a new practice changes."""
    row = await _row(table, caller, slug)
    try:
        asked = AddPractice(locality=slug, practice=read_practice(form))
    except Wrong as wrong:
        return _practice_page(request, row, None, typed_in(form), wrong.errors)
    return await _show(
        request, table, caller, asked, partial(_practice_page, request, row, None, typed_in(form))
    )


@router.get(HOME + "/{slug}/practices/{ods}")
async def ask_practice_change(
    request: Request, slug: str, ods: str, caller: Administrator, table: Administration
) -> Response:
    """Serves the form with a practice."""
    row = await _row(table, caller, slug)
    return _practice_page(request, row, ods, practice_typed(_practice(row, ods)))


@router.post(HOME + "/{slug}/practices/{ods}")
async def change_practice(
    request: Request, slug: str, ods: str, caller: Administrator, table: Administration, form: CheckedForm
) -> Response:
    """Shows what a change of a practice changes."""
    row = await _row(table, caller, slug)
    _practice(row, ods)
    try:
        asked = ChangePractice(locality=slug, practice=read_practice(form, ods))
    except Wrong as wrong:
        return _practice_page(request, row, ods, typed_in(form), wrong.errors)
    return await _show(
        request, table, caller, asked, partial(_practice_page, request, row, ods, typed_in(form))
    )


async def _show(
    request: Request,
    table: TableAdministration,
    caller: Principal,
    change: TableChange,
    form: Callable[[Sequence[FieldError]], Response],
) -> Response:
    """The page of what a change changes, or the form again with the reason why it cannot be."""
    try:
        return await ask_when(request, table, caller, change, HOME)
    except Problem as problem:
        if problem.status_code != 422:
            raise
        field = "postcode" if problem.code == "postcode_needed" else "name"
        return form([error(field, problem.explanation or problem.title)])


async def _row(table: TableAdministration, caller: Principal, slug: str) -> Mapping[str, Any]:
    rows = (await table.document())["locality"]
    row: Mapping[str, Any] | None = next((each for each in rows if each["slug"] == slug), None)
    if row is None or not caller.may_locality(slug):
        raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
    return row


def _practice(row: Mapping[str, Any], ods: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = next((each for each in row["practices"] if each["ods"] == ods), None)
    if found is None:
        raise Problem(404, code="unknown_practice", detail="There is no such practice in the locality.")
    return found


def _locality_page(
    request: Request,
    row: Mapping[str, Any] | None,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
) -> Response:
    return render(
        request,
        "administration/locality.html",
        422 if errors else 200,
        home=HOME,
        action=f"{HOME}/{row['slug']}" if row else f"{HOME}/add",
        row=row,
        typed=typed,
        desks=[(desk, DESK_NAMES[desk]) for desk in DESKS],
        errors=list(errors),
    )


def _practice_page(
    request: Request,
    row: Mapping[str, Any],
    ods: str | None,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
) -> Response:
    at = f"{HOME}/{row['slug']}/practices"
    return render(
        request,
        "administration/practice.html",
        422 if errors else 200,
        home=HOME,
        action=f"{at}/{ods}" if ods else f"{at}/add",
        row=row,
        ods=ods,
        typed=typed,
        errors=list(errors),
    )
