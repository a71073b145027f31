"""Pages of the programme's administrators: sites and their rooms."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from services.matching.roster.rooms import Room
from services.matching.web.banner import Banner, Undo, banner
from services.matching.web.features import features
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.templating import Administrator, localities, render
from shared.platform.localities import Locality
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME = "/matching/administration/rooms"


@router.get(HOME)
async def listing(request: Request, caller: Administrator) -> Response:
    """Serves the rooms of the caller's localities, by site."""
    rooms = await features(request).rooms.rooms(caller)
    changed = next((each for each in rooms if each.room.id == request.query_params.get("room")), None)
    done = banner(request)
    if done is not None and changed is not None and changed.may_undo:
        done = Banner(done.text, Undo(f"{HOME}/{changed.room.id}/undo", {"version": str(changed.version)}))
    places = [
        (
            place,
            [
                (site, list(found))
                for site, found in groupby(
                    (each for each in rooms if each.room.locality == place.slug),
                    key=lambda each: each.room.site,
                )
            ],
        )
        for place in localities(request)
        if caller.may_locality(place.slug)
    ]
    return render(request, "rooms.html", home=HOME, places=places, done=done)


@router.get(HOME + "/add/{locality}")
async def ask_new(request: Request, locality: str, caller: Administrator) -> Response:
    """Serves the empty form."""
    if not caller.may_locality(locality) or locality not in localities(request).by_slug:
        raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
    place = localities(request).by_slug[locality]
    return _page(request, place, f"{HOME}/add/{locality}", {"capacity": "1", "active": "yes"}, new=True)


@router.post(HOME + "/add/{locality}")
async def add(request: Request, locality: str, caller: Administrator, form: CheckedForm) -> Response:
    """Adds a room."""
    place = localities(request).by_slug.get(locality)
    if place is None or not caller.may_locality(locality):
        raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
    identity, typed = await features(request).rooms.next_id(locality), FormInput(form)
    try:
        await features(request).rooms.put_room(caller, _read(typed, identity, locality), version=0)
    except (FormErrors, Problem) as wrong:
        errors = _errors(wrong)
        return _page(request, place, f"{HOME}/add/{locality}", typed.as_submitted(), errors, new=True)
    return RedirectResponse(f"{HOME}?done=entry-saved&room={identity}", 303)


@router.get(HOME + "/{room}")
async def ask(request: Request, room: str, caller: Administrator) -> Response:
    """Serves the form with a room."""
    entry = await features(request).rooms.room(caller, room)
    typed = entry.room.model_dump() | {
        "active": "yes" if entry.room.active else "no",
        "version": str(entry.version),
    }
    place = localities(request).by_slug[entry.room.locality]
    return _page(request, place, f"{HOME}/{room}", typed)


@router.post(HOME + "/{room}")
async def change(request: Request, room: str, caller: Administrator, form: CheckedForm) -> Response:
    """Changes a room."""
    entry, typed = await features(request).rooms.room(caller, room), FormInput(form)
    version = int(typed.raw("version")) if typed.raw("version").isdigit() else -1
    try:
        new = _read(typed, room, entry.room.locality)
        await features(request).rooms.put_room(caller, new, version)
    except (FormErrors, Problem) as wrong:
        place = localities(request).by_slug[entry.room.locality]
        return _page(request, place, f"{HOME}/{room}", typed.as_submitted(), _errors(wrong))
    return RedirectResponse(f"{HOME}?done=entry-saved&room={room}", 303)


@router.post(HOME + "/{room}/undo")
async def undo(request: Request, room: str, caller: Administrator, form: CheckedForm) -> Response:
    """Takes the last change back."""
    entry = await features(request).rooms.room(caller, room)
    if str(entry.version) != FormInput(form).raw("version"):
        raise Problem(409, code="changed_since", detail="This was changed meanwhile. Load the page again.")
    await features(request).rooms.undo_change(caller, room)
    return RedirectResponse(f"{HOME}?done=undone", 303)


def _read(form: FormInput, identity: str, locality: str) -> Room:
    site = form.text("site", 58, "Enter the site, as its sign says")
    name = form.text("name", 58, "Enter the room, such as room 4")
    capacity = form.number("capacity", 1, 20, "Enter how many meetings it takes, from 1 to 20", needed=True)
    form.check()
    try:
        return Room(
            id=identity,
            locality=locality,
            site=site,
            name=name,
            capacity=form.required(capacity),
            active=form.raw("active") == "yes",
        )
    except ValidationError:
        raise FormErrors(form_error("site", "Enter the site and the room in plain words")) from None


def _errors(wrong: FormErrors | Problem) -> list[FieldError]:
    if isinstance(wrong, FormErrors):
        return wrong.errors
    if wrong.status_code not in (409, 422, 503):
        raise wrong
    return [form_error("site", wrong.explanation or wrong.title)]


def _page(
    request: Request,
    place: Locality,
    action: str,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
    *,
    new: bool = False,
) -> Response:
    return render(
        request,
        "room.html",
        status=422 if errors else 200,
        home=HOME,
        action=action,
        place=place,
        typed=typed,
        errors=list(errors),
        new=new,
    )
