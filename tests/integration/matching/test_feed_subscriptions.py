"""Feeds fetched from an address: tried, taken, by schedule, and refused where they lead elsewhere."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.matching.directory.fetching import FeedFetcher, NotFetched
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import bench
from tests.harness.feed.records import lunch_club
from tests.harness.matching.service_harness import MatchingHarness, matching_harness
from tests.harness.pages.serving import serving
from tests.harness.web.forms import send_form
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.matching.test_roster_pages import admin

AT = "/directory/subscriptions/council"
HOME = "/matching/administration/feeds"


@dataclass
class Council:
    """A feed of two pages, with a tag."""

    url: str = ""
    tag: str = '"one"'
    name: str = "Lunch club"
    asked: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/services")
        async def services(request: Request, page: int = 1) -> Response:
            self.asked.append(f"{page} {request.headers.get('if-none-match', '')}".strip())
            if request.headers.get("if-none-match") == self.tag:
                return Response(status_code=304, headers={"etag": self.tag})
            records = [
                lunch_club(name=self.name),
                lunch_club(id="3f9d2c1e-6f52-4f7e-9d84-0d3d0a5b7c12", name="", description="<b>x</b>"),
            ]
            answer = {
                "total_pages": 2,
                "total_items": 2,
                "page_number": page,
                "contents": [records[page - 1]],
            }
            return JSONResponse(answer, headers={"etag": self.tag})

        @app.get("/moved")
        async def moved() -> Response:
            return RedirectResponse("http://169.254.169.254/latest")

        @app.get("/large")
        async def large() -> Response:
            return Response(b"[" + b" " * 9_000_000 + b"]")

        @app.get("/broken")
        async def broken() -> Response:
            return Response(status_code=500)

        @app.get("/slow")
        async def slow() -> Response:
            await asyncio.sleep(30)
            return Response()

        return app


@asynccontextmanager
async def council() -> AsyncIterator[Council]:
    made = Council()
    async with serving(made.app()) as address:
        made.url = f"{address}/services"
        yield made


@pytest_asyncio.fixture
async def private(
    kafka: KafkaConnection, mongo_url: str, issuer: LoopbackIssuer
) -> AsyncIterator[MatchingHarness]:
    """The service, which may fetch feeds of this machine."""
    async with (
        bench(kafka, mongo_url) as made,
        matching_harness(made, issuer, feed_private_addresses=True) as running,
    ):
        yield running


async def put(here: MatchingHarness, url: str, **more: Any) -> Any:
    return await here.http.put(AT, json={"url": url} | more, headers=here.admin())


async def found(here: MatchingHarness) -> list[str]:
    answer = await here.http.get("/services", headers=here.link_worker())
    return [each["service"]["name"] for each in answer.json()["contents"]]


async def state(here: MatchingHarness) -> dict[str, Any]:
    answer = await here.http.get("/directory/subscriptions", headers=here.admin())
    one: dict[str, Any] = answer.json()["feeds"][0]
    return one


async def test_feed_is_tried_taken_followed_and_removed(private: MatchingHarness) -> None:
    here, feeds = private, private.app.state.features.feeds
    async with council() as there:
        assert (await put(here, there.url, every_hours=24)).status_code == 200
        tried = (await here.http.post(f"{AT}/dry-run", headers=here.admin())).json()
        assert (tried["records"], tried["services"]) == (2, 1)
        assert any(each["result"] == "refused" for each in tried["defects"])
        assert await found(here) == []
        assert there.asked == ["1", "2"]
        # By schedule, what is not trusted waits.
        assert await feeds.fetch_due()
        assert ((await state(here))["state"], await found(here)) == ("waits", [])
        taken = await here.http.post(f"{AT}/fetch", headers=here.admin())
        assert (taken.json()["services"], await found(here)) == (1, ["Lunch club"])

        assert not await feeds.fetch_due()
        await put(here, there.url, every_hours=24, trusted=True)
        there.asked.clear()
        assert await feeds.fetch_due()
        assert ((await state(here))["state"], there.asked) == ("unchanged", ['1 "one"'])
        there.tag, there.name = '"two"', "Soup club"
        here.clock.now += timedelta(hours=25)
        assert await feeds.fetch_due()
        assert ((await state(here))["state"], await found(here)) == ("taken", ["Soup club"])

        assert (await here.http.delete(AT, headers=here.admin())).status_code == 204
        assert await found(here) == []


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/moved", "sends to another address"),
        ("/large", "larger than any feed"),
        ("/broken", "answers 500"),
        ("/nowhere", "answers 404"),
    ],
)
async def test_feed_that_leads_elsewhere_changes_nothing(
    private: MatchingHarness, path: str, sentence: str
) -> None:
    async with council() as there:
        await put(private, there.url)
        await private.http.post(f"{AT}/fetch", headers=private.admin())
        await put(private, there.url.replace("/services", path))
        refused = await private.http.post(f"{AT}/fetch", headers=private.admin())
    assert (refused.status_code, sentence in refused.text) == (422, True)
    assert (await state(private))["state"] == "failed"
    assert await found(private) == ["Lunch club"]


async def test_private_address_is_refused_unless_allowed(here: MatchingHarness) -> None:
    refused = await put(here, "https://127.0.0.1/services")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "address_refused")
    assert (await put(here, "https://localhost/services")).status_code == 200
    named = await here.http.post(f"{AT}/fetch", headers=here.admin())
    assert (named.status_code, "private network" in named.text) == (422, True)
    elsewhere = here.bearer("programme_admin", localities=["elsewhere"])
    assert (await here.http.post(f"{AT}/fetch", headers=elsewhere)).status_code == 404


async def test_slow_feed_is_given_up() -> None:
    async def resolve(_: str) -> list[Any]:
        return [ip_address("127.0.0.1")]

    fetcher = FeedFetcher(resolve, ssl.create_default_context(), 1000, private_allowed=True, seconds=0.2)
    async with council() as there:
        with pytest.raises(NotFetched) as refused:
            await fetcher.fetch(there.url.replace("/services", "/slow"))
    assert refused.value.code == "no_answer"


async def test_feed_is_kept_on_its_pages(private: MatchingHarness) -> None:
    async with council() as there, admin(private) as client:
        new = {"name": "council", "url": there.url, "every_hours": "24"}
        wrong = await send_form(
            client, f"{HOME}/add", f"{HOME}/add", new | {"name": "The Council", "url": "x"}
        )
        assert (wrong.status_code, "Enter a short name" in wrong.text) == (422, True)
        assert "Choose at least one locality" in wrong.text
        new |= {"offered": private.slug}
        assert (await send_form(client, f"{HOME}/add", f"{HOME}/add", new)).status_code == 303
        at = f"{HOME}/council"
        tried = await send_form(client, at, f"{at}/dry-run", {})
        assert "Tried: nothing is changed" in tried.text
        assert "2 records read, 1 service would be taken" in tried.text
        assert "1 service taken" in (await send_form(client, at, f"{at}/fetch", {})).text
        assert "Lunch club" in (await client.get("/matching/administration/services")).text
        unsure = await send_form(client, at, f"{at}/remove", {})
        assert (unsure.status_code, "Confirm" in unsure.text) == (422, True)
        assert (await send_form(client, at, f"{at}/remove", {"sure": "yes"})).status_code == 303
    assert await found(private) == []
