"""The practice's lists: filtered, sorted, by pages, and with a filter that its reader keeps."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.ids import new_id
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness
from tests.harness.web.forms import browser, send_form
from tests.integration.referral.test_api import meeting

KEEP = "/referral/keep-filter"


def practice_of(referral: ReferralHarness) -> str:
    return referral.context.localities.by_slug[referral.far].practices[-1].ods


def cookies(referral: ReferralHarness, **claims: Any) -> dict[str, str]:
    return referral.cookies(practice_of(referral), localities=[referral.far], **claims)


@pytest_asyncio.fixture(scope="module")
async def listed(referral: ReferralHarness) -> AsyncIterator[list[str]]:
    """28 referrals of a practice from which no other test refers; the second of them has a meeting."""
    practice, by = practice_of(referral), referral.referrer(practice_of(referral), localities=[referral.far])
    made: list[str] = []
    for _ in range(2):
        body = referral_body(practice=practice)
        answer = await referral.http.post("/api/referral/v1/referrals", json=body, headers=by)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    await referral.say(meeting(referral, made[1], practice=practice, locality=referral.far))
    await referral.until(made[1], referral.far, stage="booked")
    # Copies of a referral, as lists see them: only their documents.
    mongo, now = referral.mongo, referral.context.kernel.clock()
    found = await mongo[REFERRALS].find_one({"referral": made[0]})
    assert found is not None
    row = dict(found)
    for number in range(26):
        identity = new_id()
        view = row["view"] | {"created": now - timedelta(days=number), "changed": now}
        copy = row | {"_id": f"{referral.far}/{identity}", "referral": identity, "view": view, "facts": []}
        await mongo[REFERRALS].insert_one(copy)
        made.append(identity)
    yield made
    await mongo[REFERRALS].delete_many({"referral": {"$in": made[2:]}})


def shown(html: str) -> list[str]:
    """The referrals of a page, in its order."""
    return re.findall(r'href="/referral/referrals/([0-9a-f-]{36})"', html)


async def page(client: httpx.AsyncClient, query: str = "") -> str:
    answer = await client.get(f"/referral/{query}")
    assert answer.status_code == 200
    return answer.text


async def test_list_is_filtered_sorted_and_paged(referral: ReferralHarness, listed: list[str]) -> None:
    async with browser(referral.app, cookies(referral)) as client:
        first = await page(client)
        assert len(shown(first)) == 25
        assert "Page 1 of 2" in first
        assert shown(first)[0] == listed[-1]  # Made longest ago.
        second = await page(client, "?group=waiting&page=2")
        assert len(shown(second)) == 3
        assert set(shown(first)).isdisjoint(shown(second))
        assert shown(await page(client, "?page=9")) == shown(second)
        newest = await page(client, "?sort=-made")
        assert set(shown(newest)[:3]) == set(shown(second))
        assert shown(await page(client, "?sort=stage"))[-1] in listed
        assert shown(await page(client, "?sort=-stage"))[0] == listed[1]
        assert shown(await page(client, "?stage=booked")) == [listed[1]]
        assert shown(await page(client, "?link_worker=lw-meir-1")) == [listed[1]]
        assert len(shown(await page(client, "?waiting=14"))) == 12
        assert len(shown(await page(client, "?waiting=13&link_worker=Mary"))) == 25
        assert "None that the filter leaves." in await page(client, "?stage=met")


async def test_filter_is_kept_for_its_reader_alone(referral: ReferralHarness, listed: list[str]) -> None:
    mine, other = cookies(referral, subject="asha"), cookies(referral, subject="bert")
    async with browser(referral.app, mine) as client:
        keep = {"list": "followed:waiting", "query": "group=waiting&stage=booked&name=Mary"}
        kept = await send_form(client, "/referral/?stage=booked", KEEP, keep)
        assert kept.headers["location"] == "/referral/?group=waiting&stage=booked#list"
        assert shown(await page(client)) == [listed[1]]
        assert len(shown(await page(client, "?group=waiting&all=1"))) == 25
        assert "Forget the kept filter" in await page(client)
    async with browser(referral.app, other) as client:
        assert len(shown(await page(client))) == 25
    async with browser(referral.app, mine) as client:
        await send_form(client, "/referral/", KEEP, {"list": "followed:waiting"})
        assert len(shown(await page(client))) == 25


async def test_api_filters_by_link_worker_and_time(referral: ReferralHarness, listed: list[str]) -> None:
    async def listing(**params: Any) -> list[str]:
        answer = await referral.http.get(
            "/api/referral/v1/referrals",
            params=params,
            headers=referral.referrer(practice_of(referral), localities=[referral.far]),
        )
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["referrals"]]

    assert await listing(link_worker="lw-meir-1") == [listed[1]]
    before = (referral.context.kernel.clock() - timedelta(days=14)).isoformat()
    old = await listing(made_before=before)
    assert len(old) == 12
    assert await listing(made_before=before, newest_first=True) == list(reversed(old))
