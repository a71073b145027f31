"""The sign-in page: an authorization request in, an invented user chosen, a code out."""

import re
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.development.grants import Codes
from deploy.development.settings import DevelopmentSettings
from deploy.development.users import KnownUsers
from shared.platform.localities import Localities
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.problem import Problem

# Levels of assurance, as CIS2 calls them. Nobody proves anything here.
ACR_VALUES = ("AAL1_USERPASS", "AAL2_ANY", "AAL3_ANY")


class Asked(BaseModel):
    """An authorization request, as read from the address or from our own sign-in form."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    response_type: str
    client_id: str
    redirect_uri: str
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    acr_values: str = ""

    @property
    def acr(self) -> str:
        """The first level asked for that this issuer pretends to know; empty if there is none."""
        return next((each for each in self.acr_values.split() if each in ACR_VALUES), "")

    def fault(self) -> str | None:
        """The OAuth error of a request that can be answered but not granted."""
        if self.response_type != "code":
            return "unsupported_response_type"
        proof = re.fullmatch(r"[A-Za-z0-9_-]{43}", self.code_challenge)
        return None if proof and self.code_challenge_method == "S256" else "invalid_request"


def authorize_routes(
    settings: DevelopmentSettings, directory: KnownUsers, localities: Localities, codes: Codes
) -> APIRouter:
    """GET /authorize shows the users, POST /authorize takes the choice."""
    router = APIRouter(include_in_schema=False)
    returning = f"{settings.public_url}/signed-in"

    def checked(values: Any) -> Asked:
        try:
            asked = Asked.model_validate(dict(values))
        except ValidationError:
            raise Problem(400, code="authorization_request") from None
        # No answer leaves unless the client and its redirect address are known.
        if asked.client_id not in directory.clients or asked.redirect_uri != returning:
            raise Problem(400, code="authorization_request", detail="This client is not known here.")
        return asked

    def answer(asked: Asked, **values: str) -> Response:
        query = urlencode(values | {"state": asked.state, "iss": settings.issuer})
        return RedirectResponse(f"{asked.redirect_uri}?{query}", 303)

    @router.get("/authorize")
    async def sign_in_page(request: Request) -> Response:
        asked = checked(request.query_params)
        if error := asked.fault():
            return answer(asked, error=error)
        page: Response = request.app.state.pages.page(
            request,
            "development/sign-in.html",
            asked=asked.model_dump(),
            groups=groups(directory, localities),
        )
        return page

    @router.post("/authorize")
    async def chosen(form: CheckedForm) -> Response:
        asked = checked(form)
        if error := asked.fault():
            return answer(asked, error=error)
        user = directory.users.get(str(form.get("user", "")))
        if user is None:
            return answer(asked, error="access_denied")
        code = codes.issue(
            user_id=user.id,
            client_id=asked.client_id,
            redirect_uri=asked.redirect_uri,
            challenge=asked.code_challenge,
            nonce=asked.nonce,
            acr=asked.acr,
        )
        return answer(asked, code=code)

    return router


def groups(directory: KnownUsers, localities: Localities) -> list[dict[str, Any]]:
    """The users for the sign-in page: the whole programme first, then by locality, in the file's order."""
    users = list(directory.users.values())
    found = [("Whole programme", [user for user in users if len(user.localities) > 1])]
    found += [
        (locality.name, [user for user in users if user.localities == (locality.slug,)])
        for locality in localities
    ]
    return [
        {
            "name": name,
            "users": [{"user": user, "where": _where(user.practices, localities)} for user in group],
        }
        for name, group in found
        if group
    ]


def _where(practices: tuple[str, ...], localities: Localities) -> str:
    known = [localities.practice(code) for code in practices]
    return "; ".join(practice.display_name for practice in known if practice)
