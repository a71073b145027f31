"""Every route of the service without a token, in the wrong role, for another locality or practice."""

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from services.referral.app import create_app
from services.referral.settings import ReferralSettings
from shared.platform.ids import new_id
from shared.platform.web.principal import ROLES
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser

# Which roles a route is for. A route that is not named here fails the test: say whom it is for.
API: dict[str, set[str]] = {
    "POST /api/referral/v1/referrals": {"referrer", "service"},
    "GET /api/referral/v1/referrals": {"referrer", "link_worker", "programme_admin"},
    "GET /api/referral/v1/referrals/counts": {"programme_admin"},
    "GET /api/referral/v1/referrals/{referral_id}": {"referrer", "link_worker", "programme_admin"},
    "POST /api/referral/v1/referrals/{referral_id}/withdraw": {"referrer"},
    "GET /api/referral/v1/referrals/{referral_id}/contact": {"referrer", "link_worker"},
    "POST /api/referral/v1/referrals/{referral_id}/contact": {"referrer", "link_worker"},
    "POST /api/referral/v1/referrals/{referral_id}/erase": {"programme_admin"},
    "POST /api/referral/v1/people/find": {"referrer", "link_worker", "programme_admin"},
    "POST /api/referral/v1/claims": {"service"},
    "GET /api/referral/v1/claims/{referral_id}": {"service"},
    "POST /api/referral/v1/referrals/{referral_id}/notes": {"service"},
    "POST /api/referral/v1/notes/read": {"service"},
    "POST /api/referral/v1/sessions/check": {"service"},
    "POST /api/referral/v1/audit/entries": {"guardian", "service"},
    "GET /api/referral/v1/administration/table": {"programme_admin"},
    "POST /api/referral/v1/administration/table/preview": {"programme_admin"},
    "POST /api/referral/v1/administration/table/changes": {"programme_admin"},
    "GET /api/referral/v1/administration/table/changes/{request}": {"programme_admin"},
    "POST /api/referral/v1/administration/table/back": {"programme_admin"},
    "GET /api/referral/v1/administration/people": {"programme_admin"},
    "POST /api/contract/v1/events": {"partner"},
    "POST /api/contract/v1/validate": {"partner"},
    "GET /api/contract/v1/sources": {"partner"},
    "GET /api/contract/v1/parts": {"partner"},
    "POST /api/contract/v1/parts/{part}/stopped": {"partner"},
    "GET /api/contract/v1/referrals/{referral_id}/events/{event_id}": {"partner"},
}
PAGES: dict[str, set[str]] = {
    "GET /referral/": {"referrer"},
    "POST /referral/keep-filter": {"referrer"},
    "GET /referral/new": {"referrer"},
    "POST /referral/new": {"referrer"},
    "POST /referral/new/find": {"referrer"},
    "POST /referral/new/known": {"referrer"},
    "GET /referral/find": {"referrer", "link_worker", "programme_admin"},
    "POST /referral/find": {"referrer", "link_worker", "programme_admin"},
    "GET /referral/referrals/{referral_id}": {"referrer"},
    "GET /referral/referrals/{referral_id}/slip": {"referrer"},
    "GET /referral/referrals/{referral_id}/withdraw": {"referrer"},
    "POST /referral/referrals/{referral_id}/withdraw": {"referrer"},
    "GET /referral/referrals/{referral_id}/another-time": {"referrer"},
    "POST /referral/referrals/{referral_id}/another-time": {"referrer"},
    "GET /referral/referrals/{referral_id}/contact": {"referrer", "link_worker"},
    "POST /referral/referrals/{referral_id}/contact": {"referrer", "link_worker"},
    "GET /referral/referrals/{referral_id}/again": {"referrer"},
    "POST /referral/referrals/{referral_id}/file": {"referrer"},
    "GET /referral/programme": {"programme_admin"},
    "POST /referral/programme/find": {"programme_admin"},
    "GET /referral/programme/{referral_id}/erase": {"programme_admin"},
    "POST /referral/programme/{referral_id}/erase": {"programme_admin"},
    "GET /referral/audit": {"guardian"},
    "POST /referral/audit": {"guardian"},
    "GET /referral/audit/{referral_id}": {"guardian"},
    "POST /referral/audit/{referral_id}/export": {"guardian"},
    "GET /referral/administration/localities": {"programme_admin"},
    "GET /referral/administration/localities/add": {"programme_admin"},
    "POST /referral/administration/localities/add": {"programme_admin"},
    "GET /referral/administration/localities/{slug}": {"programme_admin"},
    "POST /referral/administration/localities/{slug}": {"programme_admin"},
    "GET /referral/administration/localities/{slug}/practices/add": {"programme_admin"},
    "POST /referral/administration/localities/{slug}/practices/add": {"programme_admin"},
    "GET /referral/administration/localities/{slug}/practices/{ods}": {"programme_admin"},
    "POST /referral/administration/localities/{slug}/practices/{ods}": {"programme_admin"},
    "GET /referral/administration/rules": {"programme_admin"},
    "POST /referral/administration/rules": {"programme_admin"},
    "GET /referral/administration/notices": {"programme_admin"},
    "POST /referral/administration/notices": {"programme_admin"},
    "POST /referral/administration/notices/remove": {"programme_admin"},
    "GET /referral/administration/people": {"programme_admin"},
    "GET /referral/administration/table": {"programme_admin"},
    "POST /referral/administration/table": {"programme_admin"},
    "POST /referral/administration/table/back": {"programme_admin"},
}
OPEN = {"GET /referral/static/referral.css", "GET /referral/static/referral.js"}


def routes() -> set[str]:
    """Method and path of all routes of this service's own."""
    app = create_app(ReferralSettings(env="development"))
    included = [getattr(each, "original_router", None) for each in app.routes]
    found = [route for router in included if router is not None for route in router.routes]
    return {
        f"{method} {route.path}"
        for route in found
        if isinstance(route, APIRoute) and route.path.startswith(("/api/", "/referral"))
        for method in route.methods or ()
    }


def body_for(route: str, running: ReferralHarness) -> dict[str, Any] | None:
    if route.startswith("GET"):
        return None
    return {
        "referrals": referral_body(),
        "withdraw": {"reason": "other"},
        "contact": {"telephone": "07700 900123", "safe_to_text": "yes"},
        "claims": {
            "locality": running.here,
            "referrals": [new_id()],
            "fields": ["name"],
            "purpose": "message",
        },
        "notes": {"locality": running.here, "kind": "note", "text": "Text"},
        "check": {"session": "0" * 64},
        "read": {"locality": running.here, "referral": new_id(), "notes": [new_id()]},
    }.get(route.rsplit("/", 1)[1], {})


def params_for(route: str, running: ReferralHarness) -> dict[str, str]:
    if route.startswith("GET /api/referral/v1/claims/"):
        return {"locality": running.here, "fields": "name", "purpose": "message"}
    if route == "GET /api/contract/v1/parts":
        return {"locality": running.here}
    return {}


async def status(running: ReferralHarness, route: str, about: str, headers: dict[str, str]) -> int:
    method, path = route.split(" ")
    answer = await running.http.request(
        method,
        re.sub(r"\{.*?\}", about, path),
        json=body_for(route, running),
        params=params_for(route, running),
        headers=headers,
    )
    if answer.status_code >= 400:
        assert answer.headers["content-type"].startswith("application/problem+json"), route
    return answer.status_code


async def test_every_route_is_listed_with_its_roles() -> None:
    assert routes() == set(API) | set(PAGES) | OPEN


@pytest.mark.parametrize("route", sorted(API))
async def test_without_a_good_token_nothing_is_answered(referral: ReferralHarness, route: str) -> None:
    about = new_id()
    expired = referral.issuer.bearer(role="programme_admin", localities=[referral.here], exp=1)
    strange = referral.issuer.bearer(role="service", localities=["*"], aud="somebody-else")
    for headers in ({}, {"authorization": "Bearer nonsense"}, expired, strange):
        assert await status(referral, route, about, headers) == 401


@pytest.mark.parametrize("route", sorted(API))
async def test_the_wrong_role_is_refused(referral: ReferralHarness, route: str) -> None:
    about = new_id()
    for role in set(ROLES) - API[route]:
        headers = referral.issuer.bearer(
            role=role,
            localities=["*"] if role == "service" else [referral.here],
            practices=["M83100"],
            link_worker="lw-meir-1",
            scopes="claims:read notes:write sessions:check",
        )
        assert await status(referral, route, about, headers) == 403, role


@pytest.mark.parametrize("route", [r for r in sorted(API) if API[r] == {"service"}])
async def test_the_wrong_scope_and_the_wrong_locality_are_refused(
    referral: ReferralHarness, route: str
) -> None:
    made = await referral.made(referral_body())
    assert await status(referral, route, made, referral.service("something:else")) == 403
    far = referral.service("claims:read notes:write", localities=[referral.far])
    assert await status(referral, route, made, far) == 403


# A partner asks about its own events: test_partner_api.py shows that it learns of no others.
@pytest.mark.parametrize(
    "route", [r for r in sorted(API) if "{referral_id}" in r and not API[r] & {"service", "partner"}]
)
async def test_referral_of_elsewhere_does_not_exist(referral: ReferralHarness, route: str) -> None:
    made = await referral.made(referral_body())
    strangers: dict[str, list[dict[str, Any]]] = {
        "referrer": [
            {"localities": [referral.here], "practices": [NEIGHBOUR]},
            {"localities": [referral.far], "practices": ["M83100"]},
            {"localities": [], "practices": ["M83100"]},
        ],
        "link_worker": [
            {"localities": [referral.here], "link_worker": "lw-meir-2"},
            {"localities": [referral.here], "link_worker": None},
        ],
        "programme_admin": [{"localities": [referral.far]}, {"localities": ["*"]}],
    }
    for role in API[route]:
        for claims in strangers[role]:
            assert await status(referral, route, made, referral.issuer.bearer(role=role, **claims)) == 404, (
                claims
            )


async def test_lists_hold_nothing_of_elsewhere(referral: ReferralHarness) -> None:
    await referral.made(referral_body())
    address = "/api/referral/v1/referrals"
    elsewhere: list[dict[str, Any]] = [
        {"role": "referrer", "localities": [referral.far], "practices": ["M83100"]},
        {"role": "referrer", "localities": [referral.here], "practices": ["M83090"]},
        {"role": "programme_admin", "localities": ["longton"]},
        {"role": "link_worker", "localities": [referral.here], "link_worker": "lw-meir-77"},
    ]
    for claims in elsewhere:
        answer = await referral.http.get(address, headers=referral.issuer.bearer(**claims))
        assert answer.json() == {"referrals": [], "next_cursor": None}, claims
    other = await referral.http.get(address, params={"practice": NEIGHBOUR}, headers=referral.referrer())
    assert other.status_code == 404
    counts = await referral.http.get(f"{address}/counts", headers=referral.admin(localities=["longton"]))
    assert counts.json() == {"counts": []}


async def test_a_referrer_may_refer_from_their_own_practice_only(referral: ReferralHarness) -> None:
    others: list[dict[str, Any]] = [
        {"practices": [NEIGHBOUR]},
        {"localities": [referral.far]},
        {"practices": []},
    ]
    for claims in others:
        answer = await referral.http.post(
            "/api/referral/v1/referrals", json=referral_body(), headers=referral.referrer(**claims)
        )
        assert answer.status_code == 403, claims


@pytest.mark.parametrize("route", sorted(PAGES))
async def test_pages_need_a_session_of_the_right_role(referral: ReferralHarness, route: str) -> None:
    method, path = route.split(" ")
    path = re.sub(r"\{.*?\}", new_id(), path)
    async with browser(referral.app) as client:
        answer = await client.request(method, path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    for role in {"referrer", "link_worker", "analyst", "programme_admin"} - PAGES[route]:
        cookies = referral.issuer.signed_in(
            referral.app, role=role, localities=[referral.here], practices=["M83100"]
        )
        async with browser(referral.app, cookies) as client:
            assert (await client.request(method, path)).status_code == 403, role


@pytest.mark.parametrize("route", [r for r in sorted(PAGES) if "{referral_id}" in r and r.startswith("GET")])
async def test_pages_of_elsewhere_do_not_exist(referral: ReferralHarness, route: str) -> None:
    path = re.sub(r"\{.*?\}", await referral.made(referral_body()), route.split(" ")[1])
    for role in PAGES[route]:
        for claims in (
            {"localities": [referral.far], "practices": ["M83100"]},
            *([{"localities": [referral.here], "practices": [NEIGHBOUR]}] if role == "referrer" else []),
        ):
            cookies = referral.issuer.signed_in(referral.app, role=role, **claims)
            async with browser(referral.app, cookies) as client:
                assert (await client.get(path)).status_code == 404, claims


@pytest.mark.parametrize("route", [r for r in sorted(PAGES) if r.startswith("POST")])
async def test_a_form_from_nowhere_is_refused(referral: ReferralHarness, route: str) -> None:
    path = re.sub(r"\{.*?\}", new_id(), route.split(" ")[1])
    role = min(PAGES[route])
    cookies = referral.issuer.signed_in(
        referral.app, role=role, localities=[referral.here], practices=["M83100"]
    )
    async with browser(referral.app, cookies) as client:
        assert (await client.post(path, data={})).status_code == 403
