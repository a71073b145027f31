"""The audit of a record: what commands leave, what the guardian's pages show and refuse."""

import csv
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from playwright.async_api import Page, expect

from shared.contract.events.topics import topic
from shared.delivery.audit.trail import AUDIT
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.integration.referral.test_pages import sign_in

API = "/api/referral/v1"
FORMULA = "=cmd|' /C calc'!A0"
REQUEST = "11111111-2222-4333-8444-555555555555"


def entry(caller: str = "lw-meir-1", **different: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-30T09:00:00Z",
        "kind": "change",
        "caller": caller,
        "role": "link_worker",
        "action": "plan",
        "purpose": "change",
        "request_id": REQUEST,
        "codes": ["referral_closed", "reason=died"],
    } | different


@pytest.fixture(autouse=True)
def others(matching: MatchingStub) -> Iterator[MatchingStub]:
    matching.audited = {"matching": [entry()], "notifications": [], "evaluation": []}
    yield matching
    matching.audited = {}


def guardian(referral: ReferralHarness, **claims: Any) -> dict[str, str]:
    whole = {"role": "guardian", "localities": [referral.here], "subject": "guardian-1"}
    return referral.issuer.signed_in(referral.app, **(whole | claims))


@pytest_asyncio.fixture
async def made(referral: ReferralHarness) -> AsyncIterator[str]:
    yield await referral.made(referral_body())


async def entries(referral: ReferralHarness, about: str, kind: str = "change") -> list[dict[str, Any]]:
    found = referral.mongo[AUDIT].find({"subject_ref": about, "kind": kind}).sort("_id", 1)
    return [dict(row) async for row in found]


async def test_each_command_leaves_one_entry(referral: ReferralHarness, made: str) -> None:
    contact = {"telephone": "07700 900123", "safe_to_text": "ring", "old_number_unsafe": True}
    note = {"locality": referral.here, "kind": "goal", "text": "She wants to walk again"}
    writer = referral.service("notes:write")
    forged = {"x-request-id": "<script>" * 1000}
    for path, body, headers in (
        ("contact", contact, referral.referrer() | {"x-request-id": REQUEST}),
        ("notes", note, writer | {"idempotency-key": "one"}),
        ("notes", note, writer | {"idempotency-key": "one"}),
        ("withdraw", {"reason": "other"}, referral.referrer() | forged | {"idempotency-key": "two"}),
        ("withdraw", {"reason": "other"}, referral.referrer() | {"idempotency-key": "two"}),
        ("withdraw", {"reason": "other"}, referral.referrer()),
        ("erase", {}, referral.admin()),
    ):
        await referral.http.post(f"{API}/referrals/{made}/{path}", json=body, headers=headers)
    found = await entries(referral, made)
    assert [row["action"] for row in found] == [
        "refer",
        "change_contact",
        "store_note",
        "withdraw",
        "erase_person",
    ]
    assert {(row["caller"], row["locality"]) for row in found[:2]} == {("tester", referral.here)}
    codes = {"contact_changed", "telephone", "safe_to_text", "old_number_unsafe"}
    assert codes <= set(found[1]["codes"])
    assert found[1]["request_id"] == REQUEST
    assert str(UUID(found[3]["request_id"])) == found[3]["request_id"], "a forged request id is replaced"
    assert found[3]["codes"] == ["referral_withdrawn", "by=practice", "reason=other"]
    everything = repr([row async for row in referral.mongo[AUDIT].find({})])
    assert "walk again" not in everything
    assert "900123" not in everything


async def test_events_of_an_erasure_name_who_erased(referral: ReferralHarness, made: str) -> None:
    await referral.http.post(f"{API}/referrals/{made}/erase", headers=referral.admin(subject="admin-7"))
    (erased,) = [row for row in await entries(referral, made) if row["action"] == "erase_person"]
    assert erased["caller"] == "admin-7"
    said = await _event(referral, made, "person_erased")
    assert said["ce_actor"] == erased["actor"] != ""
    assert "admin-7" not in repr(said)


async def _event(referral: ReferralHarness, about: str, kind: str) -> dict[str, str]:
    """The headers of the record of this kind about a referral."""
    consumer = AIOKafkaConsumer(
        topic(referral.here, "outcome-recorded"),
        auto_offset_reset="earliest",
        **referral.kafka.client_arguments(),
    )
    await consumer.start()
    try:
        while True:
            record = await consumer.getone()
            if record.key == about.encode() and kind.encode() in record.value:
                return {name: value.decode() for name, value in record.headers}
    finally:
        await consumer.stop()


async def test_guardian_finds_a_record_by_nhs_number(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    async with browser(referral.app, guardian(referral)) as client:
        fields = {"record": body["nhs_number"], "purpose": "data_subject_request"}
        sent = await send_form(client, "/referral/audit", "/referral/audit", fields)
        assert sent.status_code == 303
        where = sent.headers["location"]
        assert where == f"/referral/audit/{made}?purpose=data_subject_request&of=person"
        page = (await client.get(where)).text
        assert "Made the referral" in page
        assert "reason: died" in page
        again = (await client.get(where)).text
    assert "Read this list" in again, "the page's own reading is audited"
    (read,) = {row["purpose"] for row in await entries(referral, made, "read")}
    assert read == "data_subject_request"
    assert body["nhs_number"] not in page + again
    assert body["family_name"] not in page + again


async def test_other_services_are_asked_on_behalf_of_the_guardian(
    referral: ReferralHarness, made: str, others: MatchingStub
) -> None:
    others.asked.clear()
    async with browser(referral.app, guardian(referral)) as client:
        await client.get(f"/referral/audit/{made}?purpose=incident")
    assert sorted(path for path, _, _ in others.asked) == [
        f"/api/{service}/v1/audit/entries" for service in ("evaluation", "matching", "notifications")
    ]
    for _, _, asked in others.asked:
        assert (asked["on_behalf_of"], asked["referrals"]) == ("guardian-1", [made])


async def test_silent_service_is_named_and_stops_an_export(
    referral: ReferralHarness, made: str, others: MatchingStub
) -> None:
    del others.audited["notifications"]
    where = f"/referral/audit/{made}?purpose=incident"
    async with browser(referral.app, guardian(referral)) as client:
        page = (await client.get(where)).text
        assert "Notifications did not answer" in page
        assert "Matching did not answer" not in page
        sent = await send_form(client, where, f"/referral/audit/{made}/export", {})
    assert sent.status_code == 503


async def test_export_is_whole_and_holds_no_formula(
    referral: ReferralHarness, made: str, others: MatchingStub
) -> None:
    others.audited["matching"] = [
        entry(FORMULA if n == 0 else "lw-meir-1", at=f"2026-11-{1 + n % 28:02d}T09:00:{n // 28:02d}.000Z")
        for n in range(900)
    ]
    where = f"/referral/audit/{made}?purpose=incident"
    async with browser(referral.app, guardian(referral)) as client:
        sent = await send_form(client, where, f"/referral/audit/{made}/export", {})
    assert sent.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(sent.text)))
    assert len([row for row in rows if row["service"] == "matching"]) == 900
    assert [row["who"] for row in rows if "calc" in row["who"]] == [f"'{FORMULA}"]
    assert "export_audit" in {row["action"] for row in await entries(referral, made, "read")}


@pytest.mark.parametrize("role", ["referrer", "link_worker", "programme_admin", "analyst", "provider"])
async def test_audit_is_for_the_guardian_alone(referral: ReferralHarness, made: str, role: str) -> None:
    claims = {"practices": ["M83100"], "link_worker": "lw-meir-1"}
    async with browser(referral.app, guardian(referral, role=role, subject=f"x-{role}", **claims)) as client:
        for where in ("/referral/audit", f"/referral/audit/{made}?purpose=incident"):
            assert (await client.get(where)).status_code == 403
    await referral.context.kernel.audit.store_refusals(referral.context.kernel.refusals)
    found = [row for row in await entries(referral, made, "refusal") if row["caller"] == f"x-{role}"]
    assert [(row["codes"], row["times"]) for row in found] == [(["status=403", "role"], 1)]


async def test_record_of_elsewhere_does_not_exist(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    async with browser(referral.app, guardian(referral, localities=[referral.far])) as client:
        assert (await client.get(f"/referral/audit/{made}?purpose=incident")).status_code == 404
        for record in (made, body["nhs_number"], "x" * 5000, "../../etc/passwd", "{$ne: 1}"):
            fields = {"record": record, "purpose": "incident"}
            sent = await send_form(client, "/referral/audit", "/referral/audit", fields)
            assert sent.status_code == 422
            assert body["nhs_number"] not in sent.text
            assert "There is no referral with this reference" in sent.text
    assert await entries(referral, made, "read") == []


async def test_request_of_elsewhere_is_refused_by_the_api(referral: ReferralHarness, made: str) -> None:
    def token(**claims: Any) -> dict[str, str]:
        whole = {"role": "guardian", "localities": [referral.here], "subject": "guardian-1"}
        return referral.issuer.bearer(**(whole | claims))

    asked = {"locality": referral.here, "referrals": [made], "purpose": "incident"}
    where = f"{API}/audit/entries"

    async def status(body: dict[str, Any], headers: dict[str, str]) -> int:
        return (await referral.http.post(where, json=body, headers=headers)).status_code

    assert await status(asked, token()) == 200
    assert await status(asked, token(localities=[referral.far])) == 403
    assert await status(asked | {"on_behalf_of": "someone-else"}, token()) == 403
    assert await status(asked, referral.service("claims:read")) == 403
    assert await status(asked | {"purpose": "x" * 500}, token()) == 422
    assert await status(asked | {"referrals": [made] * 101}, token()) == 422
    other = asked | {"locality": referral.far}
    answer = await referral.http.post(where, json=other, headers=token(localities=[referral.far]))
    assert answer.json() == {"entries": []}, "a referral of another locality is not found there"


async def test_forms_need_their_own_token(referral: ReferralHarness, made: str) -> None:
    where, export = f"/referral/audit/{made}?purpose=incident", f"/referral/audit/{made}/export"
    async with browser(referral.app, guardian(referral)) as client:
        fields = hidden_fields((await client.get(where)).text)
        second = hidden_fields((await client.get(where)).text)
        assert (await client.post(export, data=fields)).status_code == 200, "the first tab still works"
        assert (await client.post(export, data=second)).status_code == 200
        forged = dict.fromkeys(fields, "x") | {"purpose": "incident", "of": "referral"}
        assert (await client.post(export, data=forged)).status_code == 403
        assert (await client.post("/referral/audit", data={"record": made})).status_code == 403
        unknown = await client.post(export, data=fields | {"purpose": "curiosity"})
        assert unknown.headers["location"] == "/referral/audit"
        assert (await client.get(f"/referral/audit/{made}?purpose=curiosity")).status_code == 303
    async with browser(referral.app, guardian(referral, subject="guardian-2")) as client:
        assert (await client.post(export, data=fields)).status_code == 403


async def test_pages_of_the_guardian_are_accessible(
    referral: ReferralHarness, address: str, chromium_page: Page, made: str, others: MatchingStub
) -> None:
    others.audited = {
        "matching": [entry(), entry("x" * 120, kind="refusal", times=12), entry(FORMULA)],
        "evaluation": [],
    }
    page = chromium_page
    await sign_in(page, address, guardian(referral))
    await page.goto(f"{address}/referral/audit")
    await page.get_by_role("button", name="Show who looked").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter a reference or an NHS number")
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_label("Reference of a referral, or NHS number").fill(made)
    await page.get_by_label("An incident or a complaint").check()
    await page.get_by_role("button", name="Show who looked").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Who looked at or changed this record")
    await expect(page.get_by_text("Notifications did not answer")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
