"""Access to figures over HTTP, by role, locality and period."""

import csv
from typing import Any

import httpx
import pytest

from shared.platform.web.principal import ROLES
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.evaluation.conftest import TODAY

FIGURES = "/api/evaluation/v1/figures"
ROUTES = [FIGURES, f"{FIGURES}.csv"]
PAGES = ["/evaluation/", "/evaluation/figures.csv"]
READERS = {"analyst", "programme_admin"}


def bearer(issuer: LoopbackIssuer, role: str = "programme_admin", *localities: str) -> dict[str, str]:
    return issuer.bearer(role=role, localities=localities or ["meir", "leek-werrington"], **TODAY)


async def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    return found


@pytest.mark.parametrize("route", ROUTES)
async def test_figures_without_valid_token_are_401(
    client: httpx.AsyncClient, issuer: LoopbackIssuer, route: str
) -> None:
    await problem(await client.get(route), 401)
    old = issuer.bearer(role="analyst", **TODAY | {"exp": TODAY["iat"] - 60, "nbf": 1, "iat": 1})
    await problem(await client.get(route, headers=old), 401)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("role", ROLES)
async def test_figures_by_role_serve_analyst_and_programme(
    client: httpx.AsyncClient, issuer: LoopbackIssuer, route: str, role: str
) -> None:
    response = await client.get(route, headers=bearer(issuer, role))
    assert response.status_code == (200 if role in READERS else 403)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ROLES)
async def test_pages_by_role_serve_analyst_and_programme(
    client: httpx.AsyncClient, app: Any, issuer: LoopbackIssuer, page: str, role: str
) -> None:
    cookies = issuer.signed_in(app, role=role, localities=["meir"], **TODAY)
    response = await client.get(page, cookies=cookies, headers={"accept": "text/html"})
    assert response.status_code == (200 if role in READERS else 403)


@pytest.mark.parametrize("page", PAGES)
async def test_pages_without_session_redirect_to_sign_in(client: httpx.AsyncClient, page: str) -> None:
    response = await client.get(page, headers={"accept": "text/html"})
    assert response.status_code == 303
    assert response.headers["location"].startswith("/sign-in?next=/evaluation/")


async def test_figures_list_programme_then_callers_localities(
    client: httpx.AsyncClient, issuer: LoopbackIssuer
) -> None:
    found = (await client.get(FIGURES, headers=bearer(issuer))).json()
    assert [place["place"] for place in found["places"]] == ["programme", "meir", "leek-werrington"]
    assert found["counts"] == "exact"
    assert found["as_of"] == "2026-11-22"
    one = (await client.get(FIGURES, params={"locality": "meir"}, headers=bearer(issuer))).json()
    assert [place["place"] for place in one["places"]] == ["programme", "meir"]
    assert one["places"][0] == found["places"][0]


@pytest.mark.parametrize("locality", ["longton", "nowhere", "programme", "*"])
@pytest.mark.parametrize("role", sorted(READERS))
async def test_figures_of_foreign_locality_are_404(
    client: httpx.AsyncClient, issuer: LoopbackIssuer, locality: str, role: str
) -> None:
    response = await client.get(FIGURES, params={"locality": locality}, headers=bearer(issuer, role))
    await problem(response, 404)


async def test_figures_for_analyst_are_suppressed(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    exact = (await client.get(FIGURES, headers=bearer(issuer))).json()
    suppressed = (await client.get(FIGURES, headers=bearer(issuer, "analyst"))).json()
    assert suppressed["counts"] == "suppressed"
    for place, shown in zip(exact["places"], suppressed["places"], strict=True):
        for step, other in zip(place["journey"], shown["journey"], strict=True):
            assert other["people"] == "*" or other["people"] % 5 == 0
            assert other["people"] == "*" or abs(other["people"] - step["people"]) <= 2


async def test_figures_by_months_add_up(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    async def referred(**months: str) -> int:
        answer = await client.get(FIGURES, params=months, headers=bearer(issuer))
        return int(answer.json()["places"][0]["journey"][0]["people"])

    parts = [await referred(to="2026-03"), await referred(**{"from": "2026-04"})]
    assert all(parts)
    assert sum(parts) == await referred()


@pytest.mark.parametrize(
    "months",
    [
        *({"from": "2026-13"}, {"from": "march"}, {"to": "2026-1"}, {"from": "2026-05", "to": "2026-04"}),
        *({"from": "2031-01"}, {"to": "1999-12"}),
    ],
)
@pytest.mark.parametrize("route", ROUTES)
async def test_figures_with_invalid_months_are_422(
    client: httpx.AsyncClient, issuer: LoopbackIssuer, months: dict[str, str], route: str
) -> None:
    found = await problem(await client.get(route, params=months, headers=bearer(issuer)), 422)
    assert found["errors"][0]["pointer"] in ("/from", "/to")
    assert "march" not in str(found)


async def test_figures_for_analyst_are_of_whole_quarters_only(
    client: httpx.AsyncClient, issuer: LoopbackIssuer
) -> None:
    analyst = bearer(issuer, "analyst")
    quarter = {"from": "2026-07", "to": "2026-09"}
    assert (await client.get(FIGURES, params=quarter, headers=analyst)).status_code == 200
    for months in ({"from": "2026-08", "to": "2026-08"}, {"from": "2026-01", "to": "2026-06"}):
        found = await problem(await client.get(FIGURES, params=months, headers=analyst), 422)
        assert found["errors"][0]["code"] == "period_not_published"
        assert (await client.get(FIGURES, params=months, headers=bearer(issuer))).status_code == 200


async def test_csv_holds_every_number_once(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    answer = await client.get(f"{FIGURES}.csv", headers=bearer(issuer))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="figures-2025-01-2026-11.csv"'
    lines = list(csv.DictReader(answer.text.splitlines()))
    places = {line["place"] for line in lines}
    assert places == {"programme", "meir", "leek-werrington"}
    keys = [(line["place"], line["section"], line["item"], line["figure"]) for line in lines]
    assert len(keys) == len(set(keys))
    found = (await client.get(FIGURES, headers=bearer(issuer))).json()
    met = next(step for step in found["places"][1]["journey"] if step["code"] == "met")
    assert [
        line["value"]
        for line in lines
        if (line["place"], line["section"], line["item"], line["figure"])
        == ("meir", "journey", "met", "people")
    ] == [str(met["people"])]


async def test_openapi_lists_routes_and_parameters(client: httpx.AsyncClient) -> None:
    described = (await client.get("/api/evaluation/v1/openapi.json")).json()
    assert set(described["paths"]) >= set(ROUTES)
    assert {p["name"] for p in described["paths"][FIGURES]["get"]["parameters"]} == {"locality", "from", "to"}


async def test_sandbox_has_no_figures_and_says_why(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    caller = bearer(issuer, "programme_admin", "meir", "sandbox")
    found = await problem(await client.get(FIGURES, params={"locality": "sandbox"}, headers=caller), 404)
    assert found["type"] == "urn:linkwork:problem:sandbox"
    assert "everything in it is invented" in found["detail"]
    others = bearer(issuer, "programme_admin", "meir")
    assert "sandbox" not in str(
        await problem(await client.get(FIGURES, params={"locality": "sandbox"}, headers=others), 404)
    )
    places = (await client.get(FIGURES, headers=caller)).json()["places"]
    assert [place["place"] for place in places] == ["programme", "meir"]
