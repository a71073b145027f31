"""Diaries over HTTP: whose they are, and of which cases a reader learns."""

from datetime import time

from tests.harness.matching.service_harness import OTHER_PRACTICE, PRACTICE, MatchingHarness, hours

MONDAY = "2026-11-23"


async def test_colleague_sees_taken_time_and_no_case(here: MatchingHarness) -> None:
    referral = await here.refer()
    meeting = await here.meeting(referral)
    await here.put_worker("lw-meir-2", hours=hours(range(5), time(13), time(15)))
    day = meeting["starts_at"].date().isoformat()
    own = await here.http.get("/diaries", params={"from": day}, headers=here.link_worker())
    (mine,) = own.json()["days"]
    assert [each["referral_id"] for each in mine["meetings"]] == [referral]
    taken = {each["starts_at"] for each in mine["meetings"]}
    assert mine["free"]
    assert taken.isdisjoint(each["starts_at"] for each in mine["free"])

    by = here.link_worker("lw-meir-2")
    asked = {"from": day, "link_worker": "lw-meir-1"}
    (theirs,) = (await here.http.get("/diaries", params=asked, headers=by)).json()["days"]
    (meeting_out,) = theirs["meetings"]
    assert (meeting_out["referral_id"], meeting_out["meeting_id"]) == (None, None)
    assert meeting_out["place"] == "Primary Care Centre, room 4"
    assert referral not in (await here.http.get("/diaries", params=asked, headers=here.admin())).text


async def test_diaries_of_practice_place_and_locality(here: MatchingHarness) -> None:
    await here.put_worker("lw-meir-2", hours=[hours([0])[0] | {"place": "Hall, room 1"}])
    by = here.link_worker()
    for params, names in (
        ({"practice": PRACTICE}, ["lw-meir-1", "lw-meir-2"]),
        ({"practice": OTHER_PRACTICE}, ["lw-meir-1", "lw-meir-2"]),
        ({"place": "Hall, room 1"}, ["lw-meir-2"]),
        ({"locality": here.slug}, ["lw-meir-1", "lw-meir-2"]),
        ({}, ["lw-meir-1"]),
    ):
        answer = await here.http.get("/diaries", params={"from": MONDAY} | params, headers=by)
        assert [day["link_worker"] for day in answer.json()["days"]] == names
    for params in ({"practice": "M83032"}, {"locality": "elsewhere"}, {"link_worker": "lw-meir-9"}):
        answer = await here.http.get("/diaries", params=params, headers=by)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:linkwork:problem:unknown_diary")


async def test_more_than_a_month_is_refused(here: MatchingHarness) -> None:
    asked = {"from": "2026-11-01", "to": "2026-12-02"}
    answer = await here.http.get("/diaries", params=asked, headers=here.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:linkwork:problem:days")


async def test_times_beyond_the_nearest_days_are_found(here: MatchingHarness) -> None:
    referral = await here.refer()
    meeting = await here.meeting(referral)
    await here.put_worker(leave=[{"first": "2026-11-24", "last": "2026-12-11"}])
    by, path = here.link_worker(), f"/meetings/{meeting['id']}/options"
    found = (await here.http.get(path, params={"count": 10}, headers=by)).json()["options"]
    days = [each["starts_at"][:10] for each in found]
    assert days == ["2026-11-23"] * 3 + ["2026-12-14"] * 4 + ["2026-12-15"] * 3
    asked = {"from": "2026-12-15", "to": "2026-12-16", "count": "200", "mode": "phone"}
    narrowed = (await here.http.get(path, params=asked, headers=by)).json()["options"]
    assert {(each["starts_at"][:10], each["mode"]) for each in narrowed} == {
        ("2026-12-15", "phone"),
        ("2026-12-16", "phone"),
    }
    moved = await here.post(f"/meetings/{meeting['id']}/another-time", {"slot": narrowed[0]["key"]}, of=by)
    assert moved.json()["case"]["active"]["mode"] == "phone"
