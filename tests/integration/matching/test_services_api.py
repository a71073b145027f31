"""The API: services that are asked, ranked, searched and imported."""

import re
from datetime import timedelta

import orjson

from shared.platform.ids import new_id
from tests.harness.feed.records import lunch_club
from tests.harness.matching.plans import prescribed, service_of
from tests.harness.matching.service_harness import MatchingHarness


async def test_a_silent_service_needs_the_link_worker_after_seven_days(here: MatchingHarness) -> None:
    referral, of = await prescribed(here)
    here.clock.now += timedelta(days=7, minutes=1)
    by = here.link_worker()
    (line,) = (await here.http.get("/needs-you", headers=by)).json()["needs_you"]
    assert (line["reason"]["reason"], line["reason"]["about"], line["service"] is not None) == (
        "service_silent",
        of,
        True,
    )
    done = await here.post(f"/prescriptions/{of}/reply", {"reply": "full"}, of=by)
    assert [reason["reason"] for reason in done.json()["case"]["reasons"]] == ["service_said_no"]
    unmet = await here.post(
        f"/referrals/{referral}/unmet-needs",
        {
            "need": "befriending",
            "reason": "full",
            "next_step": {"code": "close", "on": here.clock.now.date().isoformat()},
        },
        of=by,
    )
    assert unmet.status_code == 201
    assert unmet.json()["case"]["reasons"] == []


async def test_a_no_needs_its_reason(town: MatchingHarness) -> None:
    _, of = await prescribed(town)
    answer = await town.post(f"/prescriptions/{of}/reply", {"reply": "not_suitable"}, of=town.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:linkwork:problem:reason_needed")


async def test_a_waiting_list_of_unknown_length_is_an_answer(town: MatchingHarness) -> None:
    _, of = await prescribed(town)
    answer = await town.post(f"/prescriptions/{of}/reply", {"reply": "waiting_list"}, of=town.link_worker())
    assert answer.status_code == 200
    (said,) = answer.json()["said"]
    assert (said["detail"]["reply"], "weeks" in said["detail"]) == ("waiting_list", False)


async def test_ranked_services_have_reasons_and_no_addresses(town: MatchingHarness) -> None:
    referral = await town.refer()
    await service_of(town)
    ranked = await town.http.get(
        f"/referrals/{referral}/services?need=befriending", headers=town.link_worker()
    )
    (one,) = ranked.json()["services"]
    assert one["suitable"]
    assert "need" in one["why"]
    assert any(
        re.fullmatch(r"(\d+(\.\d)?|Less than 0\.1) miles? away", sentence) for sentence in one["sentences"]
    )
    assert one["service"]["service"]["email"] is None
    assert one["service"]["asks_email"] is None
    found = await town.http.get(
        f"/services/{one['service']['service']['id']}?locality={town.slug}",
        headers=town.bearer("service", localities=["*"], scopes="directory:read contacts:read"),
    )
    assert found.json()["asks_email"] is not None


async def test_the_directory_is_searched_and_paged(here: MatchingHarness) -> None:
    await service_of(here)
    for query, count in (
        ("", 1),
        ("need=befriending", 1),
        ("need=debt", 0),
        ("postcode=ST3 6AB", 1),
        ("lat=52.98&lon=-2.11", 1),
        ("day=sun", 0),
        ("page=2", 0),
    ):
        answer = await here.http.get(f"/services?{query}", headers=here.link_worker())
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["contents"]) == count, query
    wrong = await here.http.get("/services?postcode=ST99 9ZZ", headers=here.link_worker())
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:linkwork:problem:postcode_unknown")
    assert "ST99" not in wrong.text


async def test_an_import_replaces_its_feed_and_no_other(here: MatchingHarness) -> None:
    service = await service_of(here)
    theirs = await here.http.post(
        "/directory/imports?feed=other",
        content=orjson.dumps({"contents": [lunch_club(name="Stolen")]}),
        headers=here.admin(),
    )
    assert theirs.json()["services"] == 0
    assert "id_of_another_feed" in {defect["code"] for defect in theirs.json()["defects"]}
    unread = await here.http.post("/directory/imports?feed=test", content=b"<html>", headers=here.admin())
    assert [defect["code"] for defect in unread.json()["defects"]] == ["not_json"]
    assert (await here.http.get("/services", headers=here.admin())).json()["total_items"] == 1
    emptied = {"contents": [lunch_club(id=new_id(), name="Another club")]}
    await here.http.post("/directory/imports?feed=test", content=orjson.dumps(emptied), headers=here.admin())
    found = (await here.http.get("/services", headers=here.admin())).json()["contents"]
    assert [each["service"]["name"] for each in found] == ["Another club"]
    gone = await here.http.get(f"/services/{service}", headers=here.admin())
    assert gone.json()["service"]["status"] == "inactive"


async def test_one_page_of_several_is_refused_and_changes_nothing(here: MatchingHarness) -> None:
    await service_of(here)
    pages = [
        {
            "total_items": 2,
            "total_pages": 2,
            "page_number": n,
            "contents": [lunch_club(id=new_id(), name=f"Page {n}")],
        }
        for n in (1, 2)
    ]
    at = "/directory/imports?feed=test"
    refused = await here.http.post(at, content=orjson.dumps(pages[0]), headers=here.admin())
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:linkwork:problem:pages_missing")
    assert "Send all its pages in one list" in refused.json()["detail"]
    kept = (await here.http.get("/services", headers=here.admin())).json()["contents"]
    assert [each["service"]["name"] for each in kept] == ["Meir lunch club (example)"]
    taken = await here.http.post(at, content=orjson.dumps(pages), headers=here.admin())
    assert (taken.status_code, taken.json()["services"]) == (201, 2)


async def test_an_absurd_feed_is_answered_and_never_fails(here: MatchingHarness) -> None:
    at = "/directory/imports?feed=test"
    for content, status in (
        (b"[" + b"0," * 140_000 + b"0]", 422),
        (b"[" + b"0," * 40_000 + b"0]", 201),
        (b"[" * 100_000, 201),
        (orjson.dumps(lunch_club()).replace(b'"minimum_age":50', b'"minimum_age":' + b"1" * 5_000), 201),
        (b"\xef\xbb\xbf" + orjson.dumps(lunch_club(description="x")).replace(b'"x"', b'"\\ud800"'), 201),
    ):
        answer = await here.http.post(at, content=content, headers=here.admin())
        assert answer.status_code == status, answer.text[:200]


async def test_only_a_directory_may_be_larger_than_a_megabyte(town: MatchingHarness) -> None:
    large = b'"' + b"x" * 2_000_000 + b'"'
    headers = town.bearer("programme_admin") | {"content-type": "application/json"}
    imported = await town.http.post("/directory/imports?feed=council", content=large, headers=headers)
    assert imported.status_code != 413
    refused = await town.http.post("/meetings/x/attended", content=large, headers=headers)
    assert refused.status_code == 413
