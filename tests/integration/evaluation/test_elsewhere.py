"""Figures of a locality whose evaluation has another owner: they are not ours to publish."""

import csv
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.platform.localities import Localities
from tests.harness.parts.owned import owned_by
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.evaluation.conftest import TODAY

FIGURES = "/api/evaluation/v1/figures"
ADDRESS = "https://figures.example"
SAID = "The figures of Meir are published by figures-js. They are in none of these figures."


@pytest.fixture
def elsewhere(app: FastAPI) -> Iterator[None]:
    """The evaluation of Meir is another owner's."""
    table: Localities = app.state.queries.localities
    before = table.numbered(table.version, {})
    table.become(owned_by(table, "meir", "evaluation", "figures-js", ADDRESS))
    yield
    table.become(before)


async def figures(client: httpx.AsyncClient, issuer: LoopbackIssuer, role: str) -> dict[str, Any]:
    headers = issuer.bearer(role=role, localities=["meir", "leek-werrington"], **TODAY)
    found: dict[str, Any] = (await client.get(FIGURES, headers=headers)).raise_for_status().json()
    return found


@pytest.mark.parametrize("role", ["analyst", "programme_admin"])
async def test_figures_without_the_locality_name_its_owner(
    client: httpx.AsyncClient, app: FastAPI, issuer: LoopbackIssuer, role: str
) -> None:
    table: Localities = app.state.queries.localities
    before = await figures(client, issuer, role)
    standing = table.numbered(table.version, {})
    table.become(owned_by(table, "meir", "evaluation", "figures-js", ADDRESS))
    try:
        found = await figures(client, issuer, role)
    finally:
        table.become(standing)
    assert [place["place"] for place in found["places"]] == ["programme", "leek-werrington"]
    assert found["elsewhere"] == [
        {"place": "meir", "name": "Meir", "owner": "figures-js", "address": ADDRESS, "pages": ADDRESS}
    ]
    assert found["notes"][0] == SAID
    assert before["elsewhere"] == []
    assert SAID not in before["notes"]
    if role == "programme_admin":
        assert found["places"][1] == before["places"][2]
        whole, meir, left = (
            place["journey"][0]["people"]
            for place in (before["places"][0], before["places"][1], found["places"][0])
        )
        assert left == whole - meir
    assert await figures(client, issuer, role) == before


async def test_locality_elsewhere_is_refused_with_its_owner(
    client: httpx.AsyncClient, issuer: LoopbackIssuer, elsewhere: None
) -> None:
    for route in (FIGURES, f"{FIGURES}.csv"):
        headers = issuer.bearer(role="analyst", localities=["meir"], **TODAY)
        refused = await client.get(route, params={"locality": "meir"}, headers=headers)
        assert refused.status_code == 409
        found = refused.json()
        assert (found["type"], found["part"]) == ("urn:linkwork:problem:not_owner", "evaluation")
        assert (found["owner"], found["address"]) == ("figures-js", ADDRESS)
        others = issuer.bearer(role="analyst", localities=["leek-werrington"], **TODAY)
        unknown = await client.get(route, params={"locality": "meir"}, headers=others)
        assert unknown.status_code == 404


async def test_export_and_page_name_the_owner(
    client: httpx.AsyncClient, app: FastAPI, issuer: LoopbackIssuer, elsewhere: None
) -> None:
    who = {"role": "programme_admin", "localities": ["meir", "leek-werrington"], **TODAY}
    lines = list(
        csv.DictReader((await client.get(f"{FIGURES}.csv", headers=issuer.bearer(**who))).text.splitlines())
    )
    (only,) = [line for line in lines if line["place"] == "meir"]
    assert (only["section"], only["label"], only["value"]) == ("elsewhere", "figures-js", ADDRESS)
    cookies = issuer.signed_in(app, **who)
    page = await client.get("/evaluation/", cookies=cookies, headers={"accept": "text/html"})
    assert f'<a href="{ADDRESS}" rel="noreferrer">figures-js</a> publishes the figures of Meir' in page.text
    assert '<option value="meir"' not in page.text
    one = await client.get("/evaluation/?locality=meir", cookies=cookies, headers={"accept": "text/html"})
    assert one.status_code == 409
    assert "figures-js" in one.text
