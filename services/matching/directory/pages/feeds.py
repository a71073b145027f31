"""Pages of the programme's administrators: feeds of the directory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.directory.feed_use_cases import FeedAsked
from services.matching.directory.repository import ImportReport
from services.matching.directory.subscriptions import Subscription
from services.matching.web.banner import banner
from services.matching.web.features import features
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.templating import Administrator, localities, render
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME: Final = "/matching/administration/feeds"
EVERY: Final = (("0", "By hand only"), ("1", "Every hour"), ("24", "Every day"), ("168", "Every week"))
STATES: Final[Mapping[str, str]] = {
    "never": "Not fetched yet",
    "taken": "Taken",
    "unchanged": "Fetched, and nothing had changed",
    "waits": "Fetched. It waits for your look, since the feed is not trusted",
    "failed": "Not fetched",
}
_MOST_DEFECTS: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@router.get(HOME)
async def listing(request: Request, caller: Administrator) -> Response:
    """Serves every feed."""
    found = await features(request).feeds.feeds(caller)
    return render(
        request, "feeds.html", home=HOME, feeds=found, states=STATES, every=dict(EVERY), done=banner(request)
    )


@router.get(HOME + "/add")
async def ask_new(request: Request, caller: Administrator) -> Response:
    """Serves the empty form."""
    return _form(request, caller, {"every_hours": "24"})


@router.post(HOME + "/add")
async def add(request: Request, caller: Administrator, form: CheckedForm) -> Response:
    """Adds a feed, and goes on to its page."""
    typed = FormInput(form)
    try:
        name = typed.text("name", 40)
        if not _NAME.fullmatch(name):
            typed.add_error("name", "Enter a short name of lower-case letters, digits and hyphens")
        if any(each.name == name and each.url for each in await features(request).feeds.feeds(caller)):
            typed.add_error("name", "There is a feed of this name")
        offered = tuple(slug for slug, _ in _places(request, caller) if slug in typed.all("offered"))
        if not offered:
            typed.add_error("offered", "Choose at least one locality")
        await features(request).feeds.put(caller, replace(_read(typed, name), offered=offered))
    except (FormErrors, Problem) as wrong:
        return _form(request, caller, typed.as_submitted(), _errors(wrong))
    return RedirectResponse(f"{HOME}/{name}?done=feed-saved", 303)


@router.get(HOME + "/{feed}")
async def one(request: Request, feed: str, caller: Administrator) -> Response:
    """Serves one feed."""
    return await _page(request, await features(request).feeds.feed(caller, feed))


@router.post(HOME + "/{feed}")
async def change(request: Request, feed: str, caller: Administrator, form: CheckedForm) -> Response:
    """Changes address, schedule and trust."""
    known, typed = await features(request).feeds.feed(caller, feed), FormInput(form)
    try:
        await features(request).feeds.put(caller, _read(typed, known.name))
    except (FormErrors, Problem) as wrong:
        return await _page(request, known, typed.as_submitted(), _errors(wrong))
    return RedirectResponse(f"{HOME}/{feed}?done=feed-saved", 303)


@router.post(HOME + "/{feed}/dry-run")
async def dry_run(request: Request, feed: str, caller: Administrator, form: CheckedForm) -> Response:
    """Fetches the feed, and shows each defect."""
    return await _fetched(request, caller, feed, taken=False)


@router.post(HOME + "/{feed}/fetch")
async def fetch(request: Request, feed: str, caller: Administrator, form: CheckedForm) -> Response:
    """Fetches the feed and takes its services."""
    return await _fetched(request, caller, feed, taken=True)


@router.post(HOME + "/{feed}/remove")
async def remove(request: Request, feed: str, caller: Administrator, form: CheckedForm) -> Response:
    """Removes the feed, once confirmed."""
    known = await features(request).feeds.feed(caller, feed)
    if FormInput(form).raw("sure") != "yes":
        errors = [form_error("sure", "Confirm that the feed is removed")]
        return await _page(request, known, errors=errors)
    await features(request).feeds.remove(caller, feed)
    return RedirectResponse(f"{HOME}?done=feed-removed", 303)


async def _fetched(request: Request, caller: Administrator, feed: str, *, taken: bool) -> Response:
    do = features(request).feeds
    known = await do.feed(caller, feed)
    try:
        report = await (do.fetch_now(caller, feed) if taken else do.dry_run(caller, feed))
    except Problem as problem:
        if problem.status_code != 422:
            raise
        return await _page(request, known, errors=[form_error("url", problem.explanation or problem.title)])
    return await _page(request, await do.feed(caller, feed), report=report, taken=taken)


def _read(form: FormInput, name: str) -> FeedAsked:
    url = form.text("url", 2000, "Enter the address of the feed, beginning with https://")
    every = form.raw("every_hours")
    if every not in dict(EVERY):
        form.add_error("every_hours", "Choose how often it is fetched")
    form.check()
    return FeedAsked(name, url, int(every), form.raw("trusted") == "yes")


def _errors(wrong: FormErrors | Problem) -> list[FieldError]:
    if isinstance(wrong, FormErrors):
        return wrong.errors
    if wrong.status_code not in (409, 422, 503):
        raise wrong
    return [form_error("url", wrong.explanation or wrong.title)]


def _form(
    request: Request, caller: Principal, typed: Mapping[str, Any], errors: Sequence[FieldError] = ()
) -> Response:
    chosen = typed.get("offered", [])
    return render(
        request,
        "feed-add.html",
        422 if errors else 200,
        home=HOME,
        typed=typed,
        every=EVERY,
        places=_places(request, caller),
        chosen=[chosen] if isinstance(chosen, str) else chosen,
        errors=list(errors),
    )


def _places(request: Request, caller: Principal) -> list[tuple[str, str]]:
    """The caller's localities: slug and name."""
    return [(each.slug, each.name) for each in localities(request) if caller.may_locality(each.slug)]


async def _page(
    request: Request,
    feed: Subscription,
    typed: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] = (),
    report: ImportReport | None = None,
    *,
    taken: bool = False,
) -> Response:
    names = {each.slug: each.name for each in localities(request)}
    kept = {"url": feed.url, "every_hours": str(feed.every_hours), "trusted": "yes" if feed.trusted else ""}
    return render(
        request,
        "feed.html",
        status=422 if errors else 200,
        home=HOME,
        at=f"{HOME}/{feed.name}",
        feed=feed,
        state=STATES[feed.state],
        offered=[names.get(slug, slug) for slug in feed.offered],
        every=EVERY,
        typed=typed or kept,
        errors=list(errors),
        report=report,
        defects=report.defects[:_MOST_DEFECTS] if report else (),
        taken=taken,
        done=banner(request),
    )
