"""Scopes of a service's token: nothing is allowed without one, on any route of any service."""

import re

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from deploy.development.settings import DevelopmentSettings
from deploy.development.users import load_users
from shared.platform.web import auth
from shared.platform.web.problem import MEDIA_TYPE
from tests.harness.web.every_service import SERVICES, application, routes_of
from tests.harness.web.issuer import LoopbackIssuer

ID = "01980000-0000-7000-8000-000000000001"
# Which scopes open anything at each service.
SCOPES = {
    "referral": {"audit:read", "claims:read", "notes:write", "referrals:write", "sessions:check"},
    "matching": {
        "audit:read",
        "capacity:read",
        "contacts:read",
        "directory:read",
        "directory:write",
        "links:write",
        "meetings:read",
        "meetings:write",
        "plans:read",
        "sharing:read",
    },
    "notifications": {"audit:read", "messages:read"},
    "evaluation": {"audit:read"},
}


def asks_for_token(dependant: Dependant) -> bool:
    """True if a bearer token decides who may use the route."""
    return any(each.call is auth.caller or asks_for_token(each) for each in dependant.dependencies)


async def status(app: FastAPI, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """The answer of the route, and the scope that it names as missing."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://linkwork") as http:
        answer = await http.request(method, re.sub(r"\{[^}]*\}", ID, path), headers=headers, timeout=5)
    challenge = answer.headers.get("www-authenticate", "")
    if answer.status_code == 403:
        assert answer.headers["content-type"] == MEDIA_TYPE
    return answer.status_code, "".join(re.findall(r'scope="([^"]*)"', challenge))


@pytest.mark.parametrize("service", SERVICES)
async def test_service_token_without_scope_opens_no_route(service: str, issuer: LoopbackIssuer) -> None:
    app = application(service, issuer)
    bare = issuer.bearer(role="service", localities=["*"])
    every = " ".join(sorted(set().union(*SCOPES.values())))
    missing: set[str] = set()
    tried = 0
    for path, route in routes_of(app):
        if not asks_for_token(route.dependant):
            continue
        for method in sorted(route.methods or ()):
            tried += 1
            refused, scope = await status(app, method, path, bare)
            assert refused == 403, f"{method} {path} takes a service without a scope"
            if scope:
                missing.add(scope)
                but = every.replace(scope, "")
                wrong = issuer.bearer(role="service", localities=["*"], scopes=but)
                assert await status(app, method, path, wrong) == (403, scope), f"{method} {path}"
    assert missing == SCOPES[service]
    assert tried, "no route was found"


def test_service_role_without_scope_is_no_guard() -> None:
    with pytest.raises(ValueError, match="scope"):
        auth.require("link_worker", "service")
    with pytest.raises(ValueError, match="scope"):
        auth.require("link_worker", scope="directory:read")
    with pytest.raises(ValueError, match="people"):
        auth.require_page("service")


def test_development_clients_hold_known_scopes_only() -> None:
    clients = load_users(DevelopmentSettings.model_fields["users_file"].default).clients
    assert set().union(*clients.values()) <= set().union(*SCOPES.values())
