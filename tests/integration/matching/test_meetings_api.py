"""The API: meetings, the diary, and the day that is called off."""

from datetime import timedelta

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.platform.ids import new_id
from tests.harness.matching.decision_harness import active
from tests.harness.matching.service_harness import PRACTICE, MatchingHarness


async def test_nobody_missed_a_meeting_that_has_not_begun(here: MatchingHarness) -> None:
    referral = await here.refer(cannot_come=(v.HalfDay.MON_AM,))
    meeting = await here.meeting(referral)
    answer = await here.post(f"/meetings/{meeting['id']}/missed", of=here.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:too_early")


async def test_who_met_sooner_than_booked_holds_the_time_no_longer(here: MatchingHarness) -> None:
    referral = await here.refer(cannot_come=(v.HalfDay.MON_AM, v.HalfDay.MON_PM))
    meeting = await here.meeting(referral)
    assert await here.kernel.mongo["days"].count_documents({"held.i": meeting["id"]}) == 1
    answer = await here.post(f"/meetings/{meeting['id']}/attended", of=here.link_worker())
    assert answer.status_code == 200
    assert await here.kernel.mongo["days"].count_documents({"held.i": meeting["id"]}) == 0


async def test_options_are_other_times_and_one_can_be_taken(town: MatchingHarness) -> None:
    referral = await town.refer()
    meeting = await town.meeting(referral)
    desk = town.bearer("referrer", practices=[PRACTICE])
    options = (await town.http.get(f"/meetings/{meeting['id']}/options", headers=desk)).json()["options"]
    assert len(options) == 3
    assert all(option["place"] == "Primary Care Centre, room 4" for option in options)
    starts = [option["starts_at"] for option in options]
    assert starts == sorted(starts)
    assert meeting["starts_at"].isoformat().replace("+00:00", "Z") not in starts
    done = await town.post(f"/meetings/{meeting['id']}/another-time", {"slot": options[1]["key"]}, of=desk)
    assert done.status_code == 200
    assert done.json()["case"]["active"]["starts_at"] == options[1]["starts_at"]
    gone = await town.post(f"/meetings/{meeting['id']}/another-time", {"slot": options[2]["key"]}, of=desk)
    assert (gone.status_code, gone.json()["type"]) == (409, "urn:linkwork:problem:meeting_not_standing")


async def test_off_sick_moves_the_day_and_repeats_the_ring_list(here: MatchingHarness) -> None:
    names = [await here.refer() for _ in range(3)]
    by = here.link_worker()
    first = await here.post("/link-workers/lw-meir-1/off-sick", of=by)
    again = await here.post("/link-workers/lw-meir-1/off-sick", of=by)
    assert [each["case"]["referral_id"] for each in first.json()["to_ring"]] == names
    assert first.json() == again.json()
    for each in first.json()["to_ring"]:
        assert each["was"]["starts_at"][:10] == "2026-11-23"
        assert each["now"]["starts_at"][:10] > "2026-11-23"
    assert len(await here.published(o.MeetingCancelled, names[0])) == 1
    await here.no_time_is_held_twice()


async def test_leave_of_a_dead_process_moves_meetings_when_put_again(
    here: MatchingHarness,
) -> None:
    referral = await here.refer()
    day = (await here.meeting(referral))["starts_at"].date()
    leave = [{"first": day.isoformat(), "last": day.isoformat()}]
    await here.kernel.mongo["link_workers"].update_one({"_id": "lw-meir-1"}, {"$set": {"leave": leave}})
    await here.put_worker(leave=leave)
    assert (await here.meeting(referral))["starts_at"].date() > day
    assert len(await here.published(o.MeetingCancelled, referral)) == 1
    await here.put_worker(leave=leave)
    assert len(await here.published(o.MeetingCancelled, referral)) == 1


async def test_partner_booking_before_the_entry_gets_its_time(here: MatchingHarness) -> None:
    referral = await here.refer()
    meeting = active(await here.view(referral))
    theirs = meeting.model_copy(update={"meeting_id": new_id(), "link_worker": "lw-meir-2", "sequence": 1})
    await here.say(theirs, "partner")
    await here.until(referral, lambda view: view["active"] == theirs.meeting_id)
    days = here.kernel.mongo["days"]
    assert await days.count_documents({"held.i": theirs.meeting_id}) == 0
    await here.put_worker("lw-meir-2")
    assert await days.count_documents({"link_worker": "lw-meir-2", "held.i": theirs.meeting_id}) == 1


async def test_deferred_referral_is_not_woken_by_freed_time(here: MatchingHarness) -> None:
    referral = await here.refer()
    later = (here.clock.now + timedelta(days=30)).date()
    done = await here.post(f"/referrals/{referral}/later", {"on": later.isoformat()}, of=here.link_worker())
    assert done.status_code == 200
    due = here.kernel.mongo["scheduled_tasks"]
    row = await due.find_one({"referral": referral, "what": "retry_booking"})
    await here.put_worker(caseload_limit=300)
    assert row is not None
    assert await due.find_one({"referral": referral, "what": "retry_booking"}) == row


async def test_diary_caseload_and_needs_you(here: MatchingHarness) -> None:
    ring = await here.refer(contact=v.SafeToText.RING)
    await here.refer()
    by = here.link_worker()
    diary = (await here.http.get("/diary", headers=by)).json()
    assert [entry["case"]["contact"] for entry in diary["meetings"]] == ["ring", "yes"]
    taken = {entry["meeting"]["starts_at"] for entry in diary["meetings"]}
    assert taken.isdisjoint(slot["starts_at"] for slot in diary["free"])
    cases = (await here.http.get("/caseload", headers=by)).json()["cases"]
    assert {case["step"]["code"] for case in cases} == {"meet"}
    needs = (await here.http.get("/needs-you", headers=by)).json()["needs_you"]
    assert [(line["case"]["referral_id"], line["reason"]["reason"]) for line in needs] == [(ring, "ring")]
    await here.post(f"/referrals/{ring}/contacts", {"channel": "phone", "reached": True}, of=by)
    assert (await here.http.get("/needs-you", headers=by)).json()["needs_you"] == []
    here.clock.now += timedelta(days=2)
    needs = (await here.http.get("/needs-you", headers=here.link_worker())).json()["needs_you"]
    assert {line["reason"]["reason"] for line in needs} == {"not_recorded"}


async def test_a_link_worker_of_another_localitys_practice_is_refused(town: MatchingHarness) -> None:
    entry = {
        "id": "lw-meir-7",
        "locality": town.slug,
        "name": "Somebody",
        "email": "a@b.example",
        "telephone": "01632 960402",
        "hours": [
            {"weekday": 0, "opens": "09:00", "closes": "12:00", "practices": ["M83032"], "place": "Room"}
        ],
    }
    answer = await town.http.put("/link-workers/lw-meir-7", json=entry, headers=town.admin())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "practice_elsewhere")
