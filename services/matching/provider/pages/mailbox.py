"""The page with which a service confirms its email address without signing in: /s/mailbox/{token}.

A GET changes nothing, because mail scanners open links. The address is a secret.
"""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.provider.pages.one_tap_link import private
from services.matching.web.features import features
from services.matching.web.templating import localities, render
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.problem import Problem

router = APIRouter(include_in_schema=False)


@router.get("/s/mailbox/{token}")
async def ask(request: Request, token: str) -> Response:
    """Serves the page with the question."""
    return await _page(request, token)


@router.post("/s/mailbox/{token}")
async def confirm(request: Request, token: str, _: CheckedForm) -> Response:
    """Records the confirmation."""
    try:
        await features(request).mailboxes.confirm_mailbox(token)
    except Problem as problem:
        return _refused(request, problem)
    return RedirectResponse(f"/s/mailbox/{token}", 303)


async def _page(request: Request, token: str) -> Response:
    try:
        ask = await features(request).mailboxes.mailbox_asked(token)
    except Problem as problem:
        return _refused(request, problem)
    page = render(request, "mailbox.html", ask=ask, token=token, hub=localities(request).hub, errors=[])
    return private(page)


def _refused(request: Request, problem: Problem) -> Response:
    page = render(
        request,
        "ask-refused.html",
        status=problem.status_code,
        code=problem.code,
        problem=problem,
        hub=localities(request).hub,
        why=None,
        link_worker=None,
        back_to_ask="",
    )
    return private(page)
