"""Pages of the programme's administrators: link workers, who they are, and their weekly hours."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.request import RequestContext
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.pages.entry_form import (
    DAYS,
    FIRST_ROWS,
    MAX_ROWS,
    MORE_ROWS,
    details_as_typed,
    hours_as_typed,
    read_details,
    read_hours,
    rows_of,
)
from services.matching.roster.queries import Entry
from services.matching.roster.rooms import Room
from services.matching.web.banner import Banner, Undo, banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.grammar import listed
from services.matching.web.templating import Administrator, localities, render, today
from shared.contract import labels
from shared.contract.events.vocabulary import MeetingMode
from shared.platform.localities import Locality
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME = "/matching/administration/link-workers"
WAYS = tuple(
    (mode.value, labels.MODES[mode]) for mode in (MeetingMode.HOME, MeetingMode.PHONE, MeetingMode.VIDEO)
)


@router.get(HOME)
async def listing(request: Request, caller: Administrator) -> Response:
    """Serves the link workers of the caller's localities."""
    day, entries = today(request), await queries(request).roster.entries(caller)
    places = [
        (place, [_line(each, place, day) for each in entries if each.worker.locality == place.slug])
        for place in localities(request)
        if caller.may_locality(place.slug)
    ]
    return render(request, "link-workers.html", home=HOME, places=places, done=banner(request))


def _line(entry: Entry, place: Locality, day: Any) -> dict[str, Any]:
    worker = entry.worker
    away = next((leave for leave in worker.leave if leave.covers(day)), None)
    return {
        "entry": entry,
        "days": listed([DAYS[n] for n in sorted({hours.weekday for hours in worker.hours})]),
        "practices": _practices(worker, place),
        "away": away,
    }


def _practices(worker: LinkWorker, place: Locality) -> str:
    return listed([each.display_name for each in place.practices if each.ods in worker.practices])


@router.get(HOME + "/add/{locality}")
async def ask_new(request: Request, locality: str, caller: Administrator) -> Response:
    """Serves the empty form."""
    place = _place(request, caller, locality)
    return _details(request, _blank(place, "new"), {"languages": ["en"]}, new=True)


@router.post(HOME + "/add/{locality}")
async def add(request: Request, locality: str, caller: Administrator, form: CheckedForm) -> Response:
    """Adds a link worker, and goes on to their hours."""
    place, typed = _place(request, caller, locality), FormInput(form)
    blank = _blank(place, await queries(request).roster.next_id(locality))
    try:
        entry = read_details(typed, blank)
        await features(request).roster.put_link_worker(caller, entry, version=0)
    except FormErrors as wrong:
        return _details(request, blank, typed.as_submitted(), wrong.errors, new=True)
    except Problem as problem:
        return _details(request, blank, typed.as_submitted(), [_refused(problem, "name")], new=True)
    return RedirectResponse(f"{HOME}/{entry.id}/hours?done=entry-added", 303)


@router.get(HOME + "/{link_worker}")
async def one(request: Request, link_worker: str, caller: Administrator) -> Response:
    """Serves a link worker's entry."""
    entry = await queries(request).roster.entry(caller, link_worker)
    worker = entry.worker
    place = localities(request).by_slug[worker.locality]
    done = banner(request)
    if done is not None and entry.change is not None:
        done = Banner(done.text, Undo(f"{HOME}/{worker.id}/undo", {"version": str(entry.version)}))
    return render(
        request,
        "link-worker.html",
        home=HOME,
        at=f"{HOME}/{worker.id}",
        entry=entry,
        worker=worker,
        place=place,
        practices=_practices(worker, place),
        languages=listed([labels.language(code) for code in worker.languages]),
        ways=listed(["face to face", *(text.lower() for way, text in WAYS if way in _ways(worker))]),
        hours=[(DAYS[each.weekday], each, _named(each.practices, place)) for each in worker.hours],
        leaves=[leave for leave in worker.leave if leave.last >= today(request)],
        outside=await queries(request).roster.outside_hours(worker),
        done=done,
    )


@router.get(HOME + "/{link_worker}/details")
async def ask_details(request: Request, link_worker: str, caller: Administrator) -> Response:
    """Serves the form with the entry."""
    entry = await queries(request).roster.entry(caller, link_worker)
    return _details(request, entry.worker, details_as_typed(entry.worker), version=entry.version)


@router.post(HOME + "/{link_worker}/details")
async def details(request: Request, link_worker: str, caller: Administrator, form: CheckedForm) -> Response:
    """Changes the entry."""
    entry, typed = await queries(request).roster.entry(caller, link_worker), FormInput(form)
    try:
        worker = read_details(typed, entry.worker)
        await features(request).roster.put_link_worker(caller, worker, version=_version(typed))
    except FormErrors as wrong:
        return _details(request, entry.worker, typed.as_submitted(), wrong.errors, version=_version(typed))
    except Problem as problem:
        errors = [_refused(problem, "name")]
        return _details(request, entry.worker, typed.as_submitted(), errors, version=entry.version)
    return RedirectResponse(f"{HOME}/{link_worker}?done=entry-saved", 303)


@router.get(HOME + "/{link_worker}/hours")
async def ask_hours(request: Request, link_worker: str, caller: Administrator) -> Response:
    """Serves the form with the weekly hours."""
    entry = await queries(request).roster.entry(caller, link_worker)
    rooms, hours = await _rooms(request, caller, entry.worker), entry.worker.hours
    rows = min(len(hours) + (MORE_ROWS if hours else FIRST_ROWS), MAX_ROWS)
    return _hours(request, entry.worker, rooms, hours_as_typed(hours), rows, entry.version)


@router.post(HOME + "/{link_worker}/hours")
async def hours(request: Request, link_worker: str, caller: Administrator, form: CheckedForm) -> Response:
    """Changes the weekly hours. Appointments that are booked stand."""
    entry, typed = await queries(request).roster.entry(caller, link_worker), FormInput(form)
    worker, known = entry.worker, len(entry.worker.hours)
    rows = min(known + (2 * MORE_ROWS if known else FIRST_ROWS), MAX_ROWS)
    place = localities(request).by_slug[worker.locality]
    rooms = await _rooms(request, caller, worker)
    try:
        found = read_hours(typed, [each.ods for each in place.practices], rooms, known)
        changed = LinkWorker.model_validate(worker.model_dump() | {"hours": found})
        await features(request).roster.put_link_worker(caller, changed, version=_version(typed))
    except FormErrors as wrong:
        return _hours(request, worker, rooms, typed.as_submitted(), rows, _version(typed), wrong.errors)
    except Problem as problem:
        errors = [_refused(problem, "hours")]
        return _hours(request, worker, rooms, typed.as_submitted(), rows, entry.version, errors)
    return RedirectResponse(f"{HOME}/{link_worker}?done=entry-saved", 303)


@router.post(HOME + "/{link_worker}/undo")
async def undo(request: Request, link_worker: str, caller: Administrator, form: CheckedForm) -> Response:
    """Takes the last change back."""
    entry = await queries(request).roster.entry(caller, link_worker)
    if str(entry.version) != FormInput(form).raw("version"):
        raise Problem(409, code="changed_since", detail="This was changed meanwhile. Load the page again.")
    await features(request).roster.undo_change(RequestContext(caller), link_worker)
    return RedirectResponse(f"{HOME}/{link_worker}?done=undone", 303)


def _details(
    request: Request,
    worker: LinkWorker,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
    *,
    version: int | None = None,
    new: bool = False,
) -> Response:
    place = localities(request).by_slug[worker.locality]
    known = [code for code in worker.languages if code not in labels.LANGUAGES]
    return render(
        request,
        "link-worker-details.html",
        status=422 if errors else 200,
        action=f"{HOME}/add/{place.slug}" if new else f"{HOME}/{worker.id}/details",
        back_to=HOME if new else f"{HOME}/{worker.id}",
        worker=worker,
        place=place,
        new=new,
        typed=typed,
        languages=[*labels.LANGUAGES.items(), *((code, labels.language(code)) for code in known)],
        ways=WAYS,
        entry_version=version,
        errors=list(errors),
    )


async def _rooms(request: Request, caller: Principal, worker: LinkWorker) -> dict[str, Room]:
    """The rooms that the hours may name: those in use, and those that they name already."""
    return {
        each.room.id: each.room
        for each in await features(request).rooms.rooms(caller)
        if each.room.locality == worker.locality and (each.room.active or each.room.id in worker.rooms)
    }


def _hours(
    request: Request,
    worker: LinkWorker,
    rooms: Mapping[str, Room],
    typed: Mapping[str, Any],
    rows: int,
    version: int | None,
    errors: Sequence[FieldError] = (),
) -> Response:
    practices = localities(request).by_slug[worker.locality].practices
    return render(
        request,
        "link-worker-hours.html",
        status=422 if errors else 200,
        at=f"{HOME}/{worker.id}",
        worker=worker,
        rows=rows_of(typed, rows, [each.ods for each in practices]),
        days=[(str(n), text) for n, text in enumerate(DAYS)],
        practices=[(each.ods, each.display_name) for each in practices],
        rooms=[(each.id, each.place) for each in rooms.values()],
        entry_version=version,
        errors=list(errors),
        done=banner(request),
    )


def _place(request: Request, caller: Principal, locality: str) -> Locality:
    place = localities(request).by_slug.get(locality)
    if place is None or not caller.may_locality(locality):
        raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
    return place


def _blank(place: Locality, identity: str) -> LinkWorker:
    """An entry that holds nothing yet: what the form leaves out stays as here."""
    return LinkWorker.model_construct(
        id=identity, locality=place.slug, name="", email="", telephone="", hours=(), leave=(), languages=()
    )


def _ways(worker: LinkWorker) -> list[str]:
    ways: list[str] = details_as_typed(worker)["ways"]
    return ways


def _named(practices: Sequence[str], place: Locality) -> str:
    return listed([each.display_name for each in place.practices if each.ods in practices])


def _version(form: FormInput) -> int:
    return int(form.raw("version")) if form.raw("version").isdigit() else -1


def _refused(problem: Problem, field: str) -> FieldError:
    """A refusal beside what was typed; others go on as they are."""
    if problem.status_code not in (409, 422, 503):
        raise problem
    return form_error(field, problem.explanation or problem.title)
