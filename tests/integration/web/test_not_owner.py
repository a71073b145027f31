"""A command about a part that another owner has is answered alike by every service, as document or page."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest_asyncio
from fastapi import APIRouter

from shared.platform.errors import NotOwner
from shared.platform.localities import Localities
from shared.platform.web.app import create_service_app
from shared.platform.web.settings import ServiceSettings
from tests.harness.matching.service_harness import programme
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer

router = APIRouter()


@router.post("/api/linkwork/v1/{locality}/{part}")
async def refused(locality: str, part: str) -> None:
    raise NotOwner(locality, part)


@router.get("/sample/{locality}/{part}")
async def refused_page(locality: str, part: str) -> None:
    raise NotOwner(locality, part)


@pytest_asyncio.fixture
async def client(issuer: LoopbackIssuer) -> AsyncIterator[httpx.AsyncClient]:
    """Booking of Meir has another owner; casework is ours."""
    known = programme("meir")
    given = tuple(replace(each, owners={"booking": "vast-hub"}) for each in known)
    table = Localities(known.name, known.hub, given, ())
    app = create_service_app(
        issuer.settings(ServiceSettings), title="Sample", routers=[router], localities=table
    )
    async with browser(app) as made:
        yield made


async def test_command_of_another_owners_part_names_the_owner(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/linkwork/v1/meir/booking")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "urn:linkwork:problem:not_owner"
    assert (document["part"], document["owner"]) == ("booking", "vast-hub")


async def test_command_between_two_owners_is_asked_again_later(client: httpx.AsyncClient) -> None:
    """The part decides no more, and the table names no other owner yet."""
    answer = await client.post("/api/linkwork/v1/meir/casework")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:linkwork:problem:away")
    assert answer.headers["retry-after"] == "30"


async def test_person_in_a_browser_gets_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sample/meir/booking", headers={"accept": "text/html"})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/html")
