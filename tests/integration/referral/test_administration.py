"""The table changed from pages: shown, published by the operator's keeper, followed, and taken back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Page, expect

from shared.delivery.control.publishing import standing_versions
from shared.delivery.control.requests import TableKeeper, TableRequests
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities
from shared.platform.localities.versions import Versions
from shared.platform.web.granted import Granted
from shared.platform.web.principal import Principal
from tests.harness.control import NEW_PRACTICE, topic_name, until
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.pages.serving import serving
from tests.harness.referral.running import ReferralHarness, running_referral
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.harness.web.issuer import LoopbackIssuer

API = "/api/referral/v1/administration"
PAGES = "/referral/administration"
ADD = {"kind": "add_practice", "practice": {"ods": NEW_PRACTICE, "site": "The Village Surgery"}}


class Programme:
    """A service that follows a control topic of its own, and the keeper of the topic."""

    def __init__(self, running: ReferralHarness) -> None:
        self.running = running
        self.prepared: list[Localities] = []
        self.keeper = TableKeeper(
            TableRequests(running.mongo),
            running.kafka,
            running.settings.control_topic,
            system_clock,
            self._prepare,
        )

    async def _prepare(self, table: Localities) -> None:
        self.prepared.append(table)

    @property
    def here(self) -> str:
        return self.running.here

    @property
    def known(self) -> Localities:
        return self.running.context.localities

    def whole(self) -> dict[str, Any]:
        """The claims of an administrator of all localities."""
        return {"role": "programme_admin", "localities": [each.slug for each in self.known.real]}

    def browser(self, **claims: Any) -> httpx.AsyncClient:
        whole = {**self.whole(), **claims}
        return browser(self.running.app, self.running.issuer.signed_in(self.running.app, **whole))

    async def call(self, method: str, path: str, body: Any = None, **claims: Any) -> httpx.Response:
        headers = self.running.issuer.bearer(**{**self.whole(), **claims})
        return await self.running.http.request(method, f"{API}{path}", json=body, headers=headers)

    async def change(self, change: Any) -> dict[str, Any]:
        """Asks for a change over the API, lets the keeper publish it, and waits until it is followed."""
        asked = await self.call("POST", "/table/changes", {"change": change})
        assert asked.status_code == 202, asked.text
        assert await self.keeper.once()
        done: dict[str, Any] = (await self.call("GET", f"/table/changes/{asked.json()['id']}")).json()
        await self.follows(done["version"])
        return done

    async def published(self) -> Versions:
        """The versions that stand in the topic."""
        topic = self.running.settings.control_topic
        return (await standing_versions(self.running.kafka, topic)).versions

    async def follows(self, version: int | None) -> None:
        await until(lambda: version is None or self.known.version == version, f"version {version}")


@pytest_asyncio.fixture(scope="module")
async def programme(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Programme]:
    folder = tmp_path_factory.mktemp("administration")
    async with running_referral(
        folder, issuer, kafka, mongo_url, control_topic=topic_name(), control_wait_seconds=30
    ) as running:
        yield Programme(running)


@pytest_asyncio.fixture(scope="module")
async def served(programme: Programme) -> AsyncIterator[str]:
    """The address of the service's pages."""
    front = FastAPI(openapi_url=None)
    front.mount("/", programme.running.app)  # Without its lifespan, which must not start twice.
    async with serving(front) as at:
        yield at


async def test_practice_is_added_and_taken_back(programme: Programme) -> None:
    change = ADD | {"locality": programme.here}
    shown = await programme.call("POST", "/table/preview", {"change": change})
    assert any(NEW_PRACTICE in line for line in shown.json()["changes"])
    before = programme.known.version
    assert not await programme.keeper.once()  # A preview asks for nothing.
    done = await programme.change(change)
    assert (done["state"], done["version"]) == ("published", before + 1)
    assert programme.prepared[-1].practice(NEW_PRACTICE) is not None
    there = programme.known.of_practice(NEW_PRACTICE)
    assert there is not None
    assert there.slug == programme.here
    newest = (
        await standing_versions(programme.running.kafka, programme.running.settings.control_topic)
    ).versions
    author = next(each.author for each in newest if each.number == done["version"])
    assert author.startswith("admin-")
    again = await programme.call("POST", "/table/preview", {"change": change})
    assert (again.status_code, "already" in again.text) == (422, True)

    back = await programme.call("POST", "/table/back", {"version": before})
    assert back.status_code == 202
    assert await programme.keeper.once()
    await programme.follows(before + 2)
    assert programme.known.of_practice(NEW_PRACTICE) is None
    states = [each["state"] for each in (await programme.call("GET", "/table")).json()["versions"]]
    assert states[0] == "in force"
    assert set(states[1:]) == {"past"}


async def test_change_is_for_those_whose_locality_it_is(programme: Programme) -> None:
    change, far = {"change": ADD | {"locality": programme.here}}, [programme.running.far]
    assert (await programme.call("POST", "/table/changes", change, localities=far)).status_code == 403
    mine = await programme.call("POST", "/table/preview", change, localities=[programme.here])
    assert mine.status_code == 200
    rules = {"change": {"kind": "set_rules", "rules": {"misses": 3}}}
    refused = await programme.call("POST", "/table/preview", rules, localities=[programme.here])
    assert (refused.status_code, "sign out and in again" in refused.text) == (403, True)
    assert (await programme.call("POST", "/table/back", {"version": 1}, localities=far)).status_code == 403
    said = {"change": {"kind": "set_says", "says": {}}}
    assert (await programme.call("POST", "/table/changes", said)).status_code == 422
    assert (await programme.call("POST", "/table/back", {"version": 999})).status_code == 404


async def test_rules_wait_for_their_time_and_block_what_comes_between(programme: Programme) -> None:
    before, begins = programme.known.version, system_clock() + timedelta(days=1)
    body = {"change": {"kind": "set_rules", "rules": {"misses": 4}}, "in_force_from": begins.isoformat()}
    past = body | {"in_force_from": (begins - timedelta(days=2)).isoformat()}
    assert (await programme.call("POST", "/table/changes", past)).status_code == 422
    assert (await programme.call("POST", "/table/changes", body)).status_code == 202
    assert await programme.keeper.once()
    newest = (await programme.published()).newest
    assert newest is not None
    async with asyncio.timeout(10):
        while (first := (await programme.call("GET", "/table")).json()["versions"][0])["version"] == before:
            await asyncio.sleep(0.05)
    assert (first["version"], first["state"]) == (newest.number, "waits")
    assert programme.known.programme_rules.misses == 2
    between = {"change": ADD | {"locality": programme.here}}
    refused = await programme.call("POST", "/table/changes", between)
    assert (refused.status_code, "waits until" in refused.text) == (422, True)
    # Going back to the version in force takes the one that waits back.
    assert (await programme.call("POST", "/table/back", {"version": before})).status_code == 202
    assert await programme.keeper.once()
    await programme.follows(newest.number + 1)
    assert programme.known.programme_rules.misses == 2
    listed = (await programme.call("GET", "/table")).json()["versions"]
    assert [each["state"] for each in listed[:2]] == ["in force", "never in force"]
    assert (await programme.call("POST", "/table/preview", between)).status_code == 200


async def test_ninth_locality_is_set_up_from_its_page(programme: Programme) -> None:
    slug = f"kidsgrove-{programme.here.partition('-')[2]}"
    fields = {
        "name": "Kidsgrove",
        "slug": slug,
        "place": "Kidsgrove and Talke",
        "live_from-day": "1",
        "live_from-month": "12",
        "live_from-year": "2026",
        "data_controller": "Controller (example)",
        "employer": "Employer (example)",
        "privacy_notice": "https://privacy.linkwork.example/kidsgrove",
        "minimum_age": "18",
        "ods": NEW_PRACTICE,
        "site": "The Village Surgery",
    } | {
        f"{desk}-{name}": value
        for desk in ("younger_people", "safeguarding")
        for name, value in (
            ("name", "Desk (example)"),
            ("telephone", "01632 960130"),
            ("email", "desk@kidsgrove.example"),
        )
    }
    new = f"{PAGES}/localities/add"
    async with programme.browser() as client:
        wrong = await send_form(client, new, new, fields | {"slug": "Kids Grove", "ods": "12", "site": ""})
        assert wrong.status_code == 422
        assert "Enter an ODS code" in wrong.text
        empty = (await send_form(client, new, new, {})).text
        assert empty.count('href="#live_from"') == 1
        assert "Enter the telephone of the safeguarding desk" in empty
        assert "Enter a short name of one or two words" in empty
        assert 'value="Kidsgrove"' in wrong.text
        unsafe = await send_form(client, new, new, fields | {"privacy_notice": "http://privacy.example"})
        assert (unsafe.status_code, "must start with https" in unsafe.text) == (422, True)
        shown = await send_form(client, new, new, fields)
        assert f"locality {slug} is new" in shown.text
        done = await client.post(f"{PAGES}/table", data=hidden_fields(shown.text) | {"when": "now"})
        assert done.status_code == 303, done.text
        assert await programme.keeper.once()
        page = await client.get(done.headers["location"])
        assert "Done. It is version" in page.text
        assert "Sign out and in again" in page.text
        await until(lambda: slug in programme.known.slugs, "the locality")
        listed = await client.get(f"{PAGES}/localities")
        assert "Localities that your sign-in does not cover" in listed.text
    assert programme.known.by_slug[slug].practices[0].ods == NEW_PRACTICE
    # A locality stays: its referrals would belong nowhere.
    back = await programme.call("POST", "/table/back", {"version": 1}, localities=[*programme.known.slugs])
    assert back.status_code == 202
    assert await programme.keeper.once()
    refused = (await programme.call("GET", f"/table/changes/{back.json()['id']}")).json()
    assert (refused["state"], "belong nowhere" in refused["told"][0]) == ("refused", True)


async def test_notice_is_on_every_page_of_its_locality(programme: Programme) -> None:
    now = system_clock()
    fields = {"text": "The desk is closed on Friday", "localities": programme.here} | {
        f"{field}-{part}": str(getattr(day, part))
        for field, day in (("begins", now.date()), ("ends", now.date() + timedelta(days=1)))
        for part in ("day", "month", "year")
    }
    async with programme.browser(localities=[*programme.known.slugs]) as client:
        at = f"{PAGES}/notices"
        shown = await send_form(client, at, at, fields)
        assert shown.status_code == 200, shown.text
        done = await client.post(f"{PAGES}/table", data=hidden_fields(shown.text) | {"when": "now"})
        assert done.status_code == 303
        assert await programme.keeper.once()
        await until(lambda: bool(programme.known.notices), "the notice")
        assert fields["text"] in (await client.get(f"{PAGES}/rules")).text
        async with browser(programme.running.app) as stranger:
            assert fields["text"] not in (await stranger.get("/")).text
        far = programme.running.issuer.signed_in(
            programme.running.app, role="programme_admin", localities=[programme.running.far]
        )
        async with browser(programme.running.app, far) as elsewhere:
            assert fields["text"] not in (await elsewhere.get(f"{PAGES}/localities")).text
        page = await client.get(at)
        gone = await client.post(f"{at}/remove", data=hidden_fields(page.text))
        assert "What changes" in gone.text


async def test_request_is_published_once_by_two_keepers(programme: Programme) -> None:
    rules = {"kind": "set_rules", "rules": {"misses": 5}}
    asked = await programme.call(
        "POST", "/table/changes", {"change": rules}, localities=[*programme.known.slugs]
    )
    assert asked.status_code == 202
    done = await asyncio.gather(programme.keeper.once(), programme.keeper.once())
    assert sorted(done) == [False, True]


async def test_people_are_listed_with_role_and_last_sign_in(programme: Programme) -> None:
    keeper = programme.running.app.state.session_keeper
    until = system_clock() + timedelta(hours=1)
    who = Principal("lw-meir-1", "link_worker", frozenset({programme.here}), link_worker="lw-meir-1")
    for digest in ("a" * 64, "b" * 64):
        await keeper.begin(
            digest, until, who, Granted({"sub": "lw-meir-1", "role": "link_worker"}, until, "her")
        )
    found = (await programme.call("GET", "/people")).json()["people"]
    assert [(each["subject"], each["role"]) for each in found] == [("lw-meir-1", "link_worker")]
    far = await programme.call("GET", "/people", localities=[programme.running.far])
    assert far.json() == {"people": []}
    async with programme.browser() as client:
        page = await client.get(f"{PAGES}/people")
        assert "lw-meir-1" in page.text
        assert "Link worker" in page.text


async def test_table_of_a_file_is_not_changed_from_pages(referral: ReferralHarness) -> None:
    answer = await referral.http.get(f"{API}/table", headers=referral.admin())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:no_control_topic")


async def test_pages_of_the_table_fit_and_are_accessible(
    programme: Programme, chromium_page: Page, served: str
) -> None:
    page = chromium_page
    whole = {**programme.whole(), "localities": [*programme.known.slugs]}
    cookies = programme.running.issuer.signed_in(programme.running.app, **whole)
    await page.context.add_cookies([{"name": k, "value": c, "url": served} for k, c in cookies.items()])
    here = f"{PAGES}/localities/{programme.here}"
    for path in (
        f"{PAGES}/localities",
        f"{PAGES}/localities/add",
        here,
        f"{here}/practices/add",
        f"{here}/practices/M83100",
        f"{PAGES}/rules",
        f"{PAGES}/notices",
        f"{PAGES}/people",
        f"{PAGES}/table",
    ):
        await page.goto(f"{served}{path}")
        await check_axe(page)
        await check_reflow(page)
    await page.goto(f"{served}{PAGES}/rules")
    await page.get_by_label("Missed appointments").fill("9")
    await page.get_by_role("button", name="See what changes").click()
    await expect(page.get_by_role("alert")).to_contain_text("from 2 to 5")
    await check_axe(page)
    await page.get_by_label("Missed appointments").fill("3")
    await page.get_by_role("button", name="See what changes").click()
    await expect(page.get_by_role("heading", name="What changes, and from when")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_label("At once").check()
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_text("It is not changed yet.")).to_be_visible(timeout=15_000)
    await check_axe(page)
