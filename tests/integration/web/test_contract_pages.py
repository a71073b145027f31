"""The contract under /contract/: files at the addresses of their `$id`s, and pages. Nobody signs in."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Page

from deploy.local.routes import part_for
from services.referral.contract.catalogue import DOCUMENTS
from services.referral.contract.pages.events import kinds
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.pages.serving import serving
from tests.harness.web.every_service import application
from tests.harness.web.issuer import LoopbackIssuer

_A_PAGE = "/contract/about/fold"
FOLDERS = ("schemas", "asyncapi", "openapi", "vectors", "examples", "stories")


@pytest_asyncio.fixture
async def public(issuer: LoopbackIssuer) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session at the referral service, which has no stores here."""
    transport = httpx.ASGITransport(application("referral", issuer))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@asynccontextmanager
async def not_started(_: FastAPI) -> AsyncIterator[None]:
    """The service without its stores, which the contract does not need."""
    yield


async def test_index_names_each_file_with_its_digest(public: httpx.AsyncClient) -> None:
    index = (await public.get("/contract/index.json")).json()
    assert index["draft"] is True
    served = {}
    for entry in index["files"]:
        answer = await public.get(entry["path"])
        assert answer.status_code == 200, entry
        assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["content-type"] == "application/json"
        assert part_for(entry["path"]) == "referral"
        served[entry["path"]] = answer.json()
    for folder in FOLDERS:
        assert any(path.startswith(f"/contract/{folder}/") for path in served)
    ids = {path: file["$id"] for path, file in served.items() if "$id" in file}
    assert len(ids) >= 10
    assert {path: urlsplit(each).path for path, each in ids.items()} == {path: path for path in ids}


async def test_address_of_no_file_is_a_problem(public: httpx.AsyncClient) -> None:
    for path in ("schemas/nothing.json", "events/nothing", "events/meeting-booked/nothing", "about/README"):
        answer = await public.get(f"/contract/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_each_link_of_the_pages_leads_somewhere(public: httpx.AsyncClient) -> None:
    ahead, seen = {"/contract/"}, set[str]()
    while ahead:
        path = ahead.pop()
        seen.add(path)
        answer = await public.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            links = {urljoin(path, each) for each in re.findall(r'href="([^"]+)"', answer.text)}
            ahead |= {each.partition("#")[0] for each in links if each.startswith("/contract/")} - seen
    assert {kind.address for kind in kinds().values()} <= seen
    assert {
        f"/contract/about/{path.stem}" for path in DOCUMENTS.glob("*.md") if path.stem != "README"
    } <= seen


async def test_page_of_a_kind_describes_every_property(public: httpx.AsyncClient) -> None:
    for kind in kinds().values():
        html = (await public.get(kind.address)).text
        assert f'<h1 class="nhsuk-heading-l">{kind.name}</h1>' in html
        assert kind.properties
        for one in kind.properties:
            assert f"<code>{one.name}</code>" in html
            assert one.description, f"{kind.name}.{one.name} has no description"


async def test_index_asks_for_styles_of_the_version_of_all_pages(public: httpx.AsyncClient) -> None:
    styles = [
        re.findall(r'\.css\?v=[0-9a-f]+"', (await public.get(at)).text) for at in ("/contract/", _A_PAGE)
    ]
    assert styles[0] == styles[1] != []


@pytest.mark.parametrize("path", ["/contract/", "/contract/events/outcome-recorded/plan_agreed"])
async def test_page_asks_nobody_to_sign_in_and_stands_without_a_script(
    public: httpx.AsyncClient, path: str
) -> None:
    answer = await public.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert not re.search(r"<script(?![^>]*src=)", answer.text)
    assert "style=" not in answer.text


async def test_pages_break_no_rule_on_phone_and_desktop(issuer: LoopbackIssuer, chromium_page: Page) -> None:
    app = application("referral", issuer)
    app.router.lifespan_context = not_started
    async with serving(app) as address:
        for path in (
            "",
            "events/outcome-recorded",
            "events/outcome-recorded/plan_agreed",
            "about/compatibility",
        ):
            await chromium_page.goto(f"{address}/contract/{path}")
            await check_axe(chromium_page)
            await check_reflow(chromium_page)
