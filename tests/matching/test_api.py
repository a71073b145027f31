"""The API over HTTP, from a plan to a first visit."""

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.events import outcomes as o
from shared.events import vocabulary as v
from shared.ids import new_id
from shared.web.caller import Caller
from shared.web.problem import Problem
from tests.directory.records import lunch_club
from tests.matching.place import PRACTICE, Place


async def service_of(here: Place, **changes: Any) -> str:
    """A service in the directory, through the import."""
    record = lunch_club(**changes)
    answer = await here.http.post(
        "/directory/imports?feed=test", content=orjson.dumps({"contents": [record]}), headers=here.admin()
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["services"] == 1, answer.text
    found = await here.http.get("/services", headers=here.admin())
    return str(found.json()["contents"][0]["service"]["id"])


async def prescribed(here: Place, **more: Any) -> tuple[str, str]:
    """Somebody who was met and has a service in the plan: (referral, prescription)."""
    referral = await here.refer()
    await here.met(referral)
    service = await service_of(here)
    body = {"service_id": service, "need": "befriending", "may_share": "yes"} | more
    done = await here.post(f"/referrals/{referral}/prescriptions", body, of=here.link_worker())
    assert done.status_code == 201, done.text
    (said, *_) = done.json()["said"]
    return referral, str(said["detail"]["prescription_id"])


async def test_a_journey_in_codes(town: Place) -> None:
    referral = await town.refer()
    await town.met(referral)
    service = await service_of(town)
    by = town.link_worker()
    plan = {
        "needs": ["befriending"],
        "goals": [{"need": "befriending", "importance": 8, "confidence": 4}],
        "ons4": {"satisfied": 3, "anxious": 7},
        "follow_up": "yes",
        "next_step": {"code": "ring", "on": (town.clock.now + timedelta(days=3)).date().isoformat()},
    }
    done = await town.post(f"/referrals/{referral}/plan", plan, of=by)
    assert done.status_code == 200, done.text
    assert [said["kind"] for said in done.json()["said"]] == ["plan_agreed", "measured", "sharing_changed"]
    assert done.json()["case"]["step"]["code"] == "ring"
    body = {"service_id": service, "need": "befriending"}
    done = await town.post(f"/referrals/{referral}/prescriptions", body, of=by)
    assert done.json()["case"]["step"]["code"] == "wait_for_service"
    of = done.json()["said"][0]["detail"]["prescription_id"]
    twice = await town.post(f"/referrals/{referral}/prescriptions", body, of=by)
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:linkwork:problem:already_in_plan")
    done = await town.post(f"/prescriptions/{of}/reply", {"reply": "accepted"}, of=by)
    assert done.json()["case"]["step"]["code"] == "check_first_visit"
    town.clock.now += timedelta(days=5)
    by = town.link_worker()
    visit = {"on": town.clock.now.date().isoformat(), "accompanied_by": "volunteer"}
    done = await town.post(f"/prescriptions/{of}/started", visit, of=by)
    assert done.json()["case"]["stage"] == "started"
    view = await town.view(referral)
    assert view.story.first_visit == town.clock.now.date()


async def test_the_same_key_does_it_once_and_another_request_is_refused(town: Place) -> None:
    referral = await town.refer()
    body = {"channel": "phone", "reached": True}
    by = town.link_worker()
    first = await town.post(f"/referrals/{referral}/contacts", body, of=by, key="k1")
    again = await town.post(f"/referrals/{referral}/contacts", body, of=by, key="k1")
    assert first.json()["said"] == again.json()["said"]
    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert len((await town.view(referral)).story.contacts) == 1
    other = await town.post(f"/referrals/{referral}/contacts", body | {"reached": False}, of=by, key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:linkwork:problem:idempotency_key")


async def test_no_open_case_is_left_without_a_next_step(town: Place) -> None:
    referral = await town.refer()
    await town.met(referral)
    by = town.link_worker()
    refused = await town.post(f"/referrals/{referral}/plan", {"needs": ["debt"]}, of=by)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:linkwork:problem:next_step_needed")
    assert (await town.view(referral)).story.plan is None
    for days in (-1, 400):
        step = {"code": "ring", "on": (town.clock.now + timedelta(days=days)).date().isoformat()}
        refused = await town.post(f"/referrals/{referral}/plan", {"next_step": step}, of=by)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:linkwork:problem:step_date")


async def test_texts_go_to_the_vault_or_nothing_is_saved(town: Place) -> None:
    referral = await town.refer()
    await town.met(referral)
    step = {"code": "ring", "on": town.clock.now.date().isoformat()}
    body = {"what_matters": "My garden", "next_step": step}
    answer = await town.post(f"/referrals/{referral}/plan", body, of=town.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:linkwork:problem:vault_away")
    assert (await town.view(referral)).story.plan is None


async def test_nobody_missed_a_meeting_that_has_not_begun(here: Place) -> None:
    referral = await here.refer(cannot_come=(v.HalfDay.MON_AM,))
    meeting = await here.meeting(referral)
    answer = await here.post(f"/meetings/{meeting['id']}/missed", of=here.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:too_early")


async def test_who_met_sooner_than_booked_holds_the_time_no_longer(here: Place) -> None:
    referral = await here.refer(cannot_come=(v.HalfDay.MON_AM, v.HalfDay.MON_PM))
    meeting = await here.meeting(referral)
    assert await here.kernel.mongo["days"].count_documents({"held.i": meeting["id"]}) == 1
    answer = await here.post(f"/meetings/{meeting['id']}/attended", of=here.link_worker())
    assert answer.status_code == 200
    assert await here.kernel.mongo["days"].count_documents({"held.i": meeting["id"]}) == 0


async def test_options_are_other_times_and_one_can_be_taken(town: Place) -> None:
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


async def test_off_sick_moves_the_day_and_says_whom_to_ring_again_and_again(here: Place) -> None:
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


async def test_diary_caseload_and_needs_you(here: Place) -> None:
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


async def test_a_silent_service_needs_the_link_worker_after_seven_days(here: Place) -> None:
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


async def test_everything_said_can_be_taken_back_once(town: Place) -> None:
    referral, of = await prescribed(town)
    by = town.link_worker()
    done = await town.post(f"/prescriptions/{of}/reply", {"reply": "waiting_list", "weeks": 6}, of=by)
    (said,) = done.json()["said"]
    undo = {"source": said["source"], "event_id": said["event_id"]}
    undone = await town.post(f"/referrals/{referral}/retractions", undo, of=by)
    assert undone.status_code == 201
    assert (await town.view(referral)).story.prescriptions[0].status == "asked"
    again = await town.post(f"/referrals/{referral}/retractions", undo, of=by)
    assert (again.status_code, again.json()["type"]) == (409, "urn:linkwork:problem:already_undone")
    unknown = await town.post(f"/referrals/{referral}/retractions", undo | {"event_id": new_id()}, of=by)
    assert unknown.status_code == 404
    view = await town.view(referral)
    assert view.story.created_said is not None
    creation = {"source": view.story.created_said.source, "event_id": view.story.created_said.id}
    refused = await town.post(f"/referrals/{referral}/retractions", creation, of=by)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:cannot_undo")


async def test_an_answer_needs_its_weeks_or_its_reason(town: Place) -> None:
    _, of = await prescribed(town)
    for body, code in (
        ({"reply": "waiting_list"}, "weeks_needed"),
        ({"reply": "not_suitable"}, "reason_needed"),
    ):
        answer = await town.post(f"/prescriptions/{of}/reply", body, of=town.link_worker())
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:linkwork:problem:{code}")


async def test_closed_and_opened_again(town: Place) -> None:
    referral = await town.refer()
    by = town.link_worker()
    done = await town.post(f"/referrals/{referral}/close", {"reason": "not_reached"}, of=by)
    assert (done.json()["case"]["open"], done.json()["case"]["active"]) == (False, None)
    refused = await town.post(
        f"/referrals/{referral}/contacts", {"channel": "phone", "reached": False}, of=by
    )
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:case_ended")
    done = await town.post(f"/referrals/{referral}/reopen", {}, of=by)
    assert done.json()["case"]["active"] is not None


async def test_sharing_answers_take_each_others_place(town: Place) -> None:
    referral, of = await prescribed(town, may_share="not_asked")
    by = town.link_worker()
    for agreed in ("no", "yes", "yes", "no", "not_asked"):
        body = {"agreement": "service", "agreed": agreed, "prescription_id": of}
        done = await town.post(f"/referrals/{referral}/sharing", body, of=by)
        assert done.status_code == 200, done.text
        assert (await town.view(referral)).story.prescriptions[0].may_share.value == agreed


async def test_services_are_ranked_with_reasons_and_shown_without_addresses(town: Place) -> None:
    referral = await town.refer()
    await service_of(town)
    ranked = await town.http.get(
        f"/referrals/{referral}/services?need=befriending", headers=town.link_worker()
    )
    (one,) = ranked.json()["services"]
    assert one["suitable"]
    assert "need" in one["why"]
    assert any(re.fullmatch(r"\d+\.\d km away", sentence) for sentence in one["sentences"])
    assert one["service"]["service"]["email"] is None
    assert one["service"]["asks_email"] is None
    found = await town.http.get(
        f"/services/{one['service']['service']['id']}?locality={town.slug}",
        headers=town.bearer("service", localities=["*"]),
    )
    assert found.json()["asks_email"] is not None


async def test_the_directory_is_searched_and_paged(here: Place) -> None:
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


async def test_an_import_replaces_its_feed_and_no_other(here: Place) -> None:
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


async def test_a_link_worker_of_another_localitys_practice_is_refused(town: Place) -> None:
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


async def test_the_openapi_document_says_what_there_is(town: Place) -> None:
    document = (await town.http.get("/openapi.json")).json()
    paths = set(document["paths"])
    for path in (
        "/diary",
        "/meetings/{meeting_id}/attended",
        "/referrals/{referral_id}/unmet-needs",
        "/prescriptions/{prescription_id}/not-started",
        "/directory/imports",
        "/link-workers/{link_worker}/off-sick",
    ):
        assert f"/api/matching/v1{path}" in paths
    assert not any(path.startswith(("/s/", "/matching/")) for path in paths)


async def test_a_draft_is_kept_for_its_link_worker_and_goes_with_the_person(town: Place) -> None:
    referral = await town.refer()
    queries, owner = (
        town.app.state.queries,
        Caller("lw", "link_worker", frozenset({town.slug}), link_worker="lw-meir-1"),
    )
    await queries.save_draft(owner, referral, {"need": "debt", "ons4_happy": 3}, {})
    assert await queries.draft(owner, referral) == {"need": "debt", "ons4_happy": 3}
    with pytest.raises(Problem) as away:
        await queries.save_draft(owner, referral, {}, {"note": "words"})  # nobody answers as the vault
    assert (away.value.status_code, away.value.code) == (503, "vault_away")
    stranger = Caller("other", "link_worker", frozenset({town.slug}), link_worker="lw-meir-9")
    with pytest.raises(Problem) as refused:
        await queries.draft(stranger, referral)
    assert refused.value.status_code == 404
    await town.say(o.PersonErased(referral_id=referral, locality=town.slug, person_ref=referral))
    await town.until(referral, lambda view: view["stage"] == "erased")
    assert await town.kernel.mongo["drafts"].count_documents({"_id": f"{town.slug}/{referral}"}) == 0


async def test_only_a_directory_may_be_larger_than_a_megabyte(town: Place) -> None:
    large = b'"' + b"x" * 2_000_000 + b'"'
    headers = town.bearer("programme_admin") | {"content-type": "application/json"}
    imported = await town.http.post("/directory/imports?feed=council", content=large, headers=headers)
    assert imported.status_code != 413
    refused = await town.http.post("/meetings/x/attended", content=large, headers=headers)
    assert refused.status_code == 413
