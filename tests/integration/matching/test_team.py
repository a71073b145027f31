"""Cover for a colleague's case, the team's queue, and hand-overs that are undone, over HTTP."""

from datetime import timedelta
from typing import Any

from services.matching.casework.team.handed import UNDO_WITHIN
from shared.delivery.audit.trail import AUDIT
from shared.platform.ids import new_id
from tests.harness.matching.service_harness import OTHER_PRACTICE, MatchingHarness, hours

COLLEAGUE = "lw-meir-2"


async def colleague(here: MatchingHarness, **more: Any) -> dict[str, str]:
    """A second link worker, who begins after the first referrals were booked. Returns their header."""
    await here.put_worker(COLLEAGUE, name="Gareth Sillitoe", **more)
    return here.link_worker(COLLEAGUE)


async def test_colleague_sees_a_case_only_after_giving_a_reason(
    here: MatchingHarness,
) -> None:
    referral = await here.refer()
    by = await colleague(here)
    case = f"/referrals/{referral}"
    assert (await here.http.get(case, headers=by)).status_code == 404
    for body in ({}, {"reason": "curious"}, {"reason": "away", "days": 15}):
        assert (await here.post(f"{case}/cover", body, of=by)).status_code == 422, body
    assert (await here.http.get(case, headers=by)).status_code == 404
    opened = await here.post(f"{case}/cover", {"reason": "away", "days": 2}, of=by)
    assert opened.status_code == 201, opened.text
    assert (await here.http.get(case, headers=by)).status_code == 200
    found = here.kernel.mongo[AUDIT].find({"subject_ref": referral, "caller": COLLEAGUE}).sort("_id", 1)
    assert [(row["kind"], row["action"], row["purpose"], row["codes"]) async for row in found] == [
        ("change", "open_cover", "change", ["reason=away"]),
        ("read", "read_case", "cover", []),
    ]
    called = {"channel": "phone", "reached": True}
    assert (await here.post(f"{case}/contacts", called, of=by)).status_code == 201
    given = await here.post(f"{case}/link-worker", {"link_worker": COLLEAGUE}, of=by)
    assert given.json()["type"] == "urn:linkwork:problem:covered_case"
    assert (await here.view(referral)).story.link_worker == "lw-meir-1"

    told = (await here.http.get(f"{case}/covers", headers=here.link_worker())).json()
    assert [(one["name"], one["reason"], one["stands"]) for one in told] == [
        ("Gareth Sillitoe", "away", True)
    ]
    ended = await here.post(f"{case}/cover/end", of=by)
    assert ended.status_code == 204
    assert (await here.http.get(case, headers=by)).status_code == 404
    assert (await here.post(f"{case}/cover/end", of=by)).status_code == 404
    told = (await here.http.get(f"{case}/covers", headers=here.link_worker())).json()
    assert [one["stands"] for one in told] == [False], "the case goes on telling who opened it"


async def test_cover_ends_by_itself_and_is_extended(here: MatchingHarness) -> None:
    referral = await here.refer()
    by = await colleague(here)
    case = f"/referrals/{referral}"
    await here.post(f"{case}/cover", {"reason": "asked"}, of=by)
    await here.post(f"{case}/cover", {"reason": "asked", "days": 3}, of=by)
    here.clock.now += timedelta(days=2)
    by = here.link_worker(COLLEAGUE)
    assert (await here.http.get(case, headers=by)).status_code == 200
    here.clock.now += timedelta(days=1)
    assert (await here.http.get(case, headers=here.link_worker(COLLEAGUE))).status_code == 404
    told = (await here.http.get(f"{case}/covers", headers=here.link_worker())).json()
    assert len(told) == 1, "one cover, and not two"


async def test_cover_is_for_colleagues_cases_of_the_locality(here: MatchingHarness) -> None:
    referral = await here.refer()
    by = await colleague(here)
    own = await here.post(f"/referrals/{referral}/cover", {"reason": "away"}, of=here.link_worker())
    assert (own.status_code, own.json()["type"]) == (409, "urn:linkwork:problem:own_case")
    nobodys = await here.post(f"/referrals/{new_id()}/cover", {"reason": "away"}, of=by)
    assert nobodys.status_code == 404
    stranger = here.bearer("link_worker", link_worker="lw-meir-9", subject="x")
    assert (
        await here.post(f"/referrals/{referral}/cover", {"reason": "away"}, of=stranger)
    ).status_code == 403
    await here.post(f"/referrals/{referral}/close", {"reason": "completed"}, of=here.link_worker())
    closed = await here.post(f"/referrals/{referral}/cover", {"reason": "away"}, of=by)
    assert closed.json()["type"] == "urn:linkwork:problem:case_ended"


async def test_case_of_an_absent_colleague_is_taken_from_the_queue(here: MatchingHarness) -> None:
    referral = await here.refer()
    by = await colleague(here, hours=hours([5]))
    assert (await here.http.get("/team/queue", headers=by)).json()["cases"] == []
    refused = await here.post(f"/referrals/{referral}/take", of=by)
    assert refused.json()["type"] == "urn:linkwork:problem:does_not_wait"
    await here.post("/link-workers/lw-meir-1/off-sick", of=here.link_worker())
    (line,) = (await here.http.get("/team/queue", headers=by)).json()["cases"]
    assert (line["case"]["referral_id"], line["waits_for"]) == (referral, ["away"])
    assert (line["whose"], line["may_take"]) == ("Priya Wainwright", True)
    taken = await here.post(f"/referrals/{referral}/take", of=by, key="once")
    again = await here.post(f"/referrals/{referral}/take", of=by, key="once")
    assert taken.status_code == 201, taken.text
    assert again.json() == taken.json()
    assert (await here.view(referral)).story.link_worker == COLLEAGUE
    batch = taken.json()["hand_over"]["batch"]
    # The link worker from whom it was taken may take it back.
    undone = await here.post(f"/hand-overs/{batch}/undo", of=here.link_worker())
    assert undone.json()["refused"] == {}, undone.text
    assert (await here.view(referral)).story.link_worker == "lw-meir-1"


async def test_case_that_was_nobodys_is_taken_and_stays(here: MatchingHarness) -> None:
    await here.put_worker(hours=[])
    referral = await here.refer()
    assert (await here.view(referral)).story.link_worker is None
    by = await colleague(here, hours=hours(range(5)), caseload_limit=0)
    (line,) = (await here.http.get("/team/queue", headers=by)).json()["cases"]
    assert (line["waits_for"], line["whose"], line["may_take"]) == (["nobody"], None, True)
    taken = await here.post(f"/referrals/{referral}/take", of=by)
    assert taken.status_code == 201, taken.text
    assert taken.json()["hand_over"]["undo_until"] is None
    assert (await here.view(referral)).story.link_worker == COLLEAGUE
    batch = taken.json()["hand_over"]["batch"]
    refused = (await here.post(f"/hand-overs/{batch}/undo", of=by)).json()["refused"]
    assert refused == {referral: "nobody_before"}


async def test_many_are_previewed_handed_over_and_taken_back(here: MatchingHarness) -> None:
    referrals = [await here.refer() for _ in range(3)]
    before = {name: await here.meeting(name) for name in referrals}
    await colleague(here, hours=hours([0]))
    body = {"referrals": [*referrals, new_id()], "link_worker": COLLEAGUE}
    by = here.link_worker()
    assert (await here.post("/hand-overs/preview", body, of=by)).status_code == 404
    body["referrals"] = referrals
    preview = (await here.post("/hand-overs/preview", body, of=by)).json()["cases"]
    assert [one["becomes"] for one in preview] == ["kept"] * 3
    assert {(await here.view(name)).story.link_worker for name in referrals} == {"lw-meir-1"}

    done = await here.post("/hand-overs", body, of=by, key="many")
    assert done.status_code == 201, done.text
    again = await here.post("/hand-overs", body, of=by, key="many")
    assert again.json()["hand_over"]["batch"] == done.json()["hand_over"]["batch"]
    shown = done.json()["hand_over"]
    assert (shown["to_name"], [one["became"] for one in shown["cases"]]) == (
        "Gareth Sillitoe",
        ["kept"] * 3,
    )
    for name in referrals:
        now = await here.meeting(name)
        assert (now["link_worker"], now["starts_at"]) == (COLLEAGUE, before[name]["starts_at"])
    await here.no_time_is_held_twice()

    path = f"/hand-overs/{shown['batch']}"
    assert (await here.post(f"{path}/undo", of=here.link_worker(COLLEAGUE))).status_code == 404
    await here.post(
        f"/referrals/{referrals[0]}/close", {"reason": "completed"}, of=here.link_worker(COLLEAGUE)
    )
    undone = (await here.post(f"{path}/undo", of=by)).json()
    assert undone["refused"] == {referrals[0]: "case_ended"}
    for name in referrals[1:]:
        now = await here.meeting(name)
        assert (now["link_worker"], now["starts_at"]) == ("lw-meir-1", before[name]["starts_at"])
    await here.no_time_is_held_twice()
    again = (await here.post(f"{path}/undo", of=by)).json()
    assert [one["undone"] for one in again["hand_over"]["cases"]].count(True) == 2


async def test_hand_over_is_undone_for_a_day_alone(here: MatchingHarness) -> None:
    referral = await here.refer()
    await colleague(here)
    body = {"referrals": [referral], "link_worker": COLLEAGUE}
    done = await here.post("/hand-overs", body, of=here.bearer("manager", subject="boss"))
    path = f"/hand-overs/{done.json()['hand_over']['batch']}"
    here.clock.now += UNDO_WITHIN
    late = await here.post(f"{path}/undo", of=here.bearer("manager", subject="boss"))
    assert (late.status_code, late.json()["type"]) == (409, "urn:linkwork:problem:too_late")
    other = await here.http.get(path, headers=here.bearer("manager", subject="other"))
    assert other.status_code == 404
    elsewhere = here.bearer("manager", subject="boss", localities=["elsewhere"])
    assert (await here.http.get(path, headers=elsewhere)).status_code == 404
    assert (await here.post("/hand-overs", body, of=elsewhere)).json()["hand_over"] is None


async def test_case_that_cannot_go_does_not_hold_up_the_others(here: MatchingHarness) -> None:
    gone, stays = await here.refer(), await here.refer(practice=OTHER_PRACTICE)
    only_one = [entry | {"practices": ["M83100"]} for entry in hours(range(5))]
    await colleague(here, hours=only_one)
    body = {"referrals": [stays, gone], "link_worker": COLLEAGUE}
    preview = (await here.post("/hand-overs/preview", body, of=here.link_worker())).json()["cases"]
    assert [one["refusal"] for one in preview] == ["not_serving", None]
    done = (await here.post("/hand-overs", body, of=here.link_worker())).json()
    assert done["refused"] == {stays: "not_serving"}
    assert [one["referral_id"] for one in done["hand_over"]["cases"]] == [gone]
    assert (await here.view(stays)).story.link_worker == "lw-meir-1"


async def test_note_to_the_colleague_needs_the_vault(here: MatchingHarness) -> None:
    referral = await here.refer()
    await colleague(here)
    body = {"referrals": [referral], "link_worker": COLLEAGUE, "note": "Ring before noon"}
    refused = await here.post("/hand-overs", body, of=here.link_worker())
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:linkwork:problem:vault_away")
    assert (await here.view(referral)).story.link_worker == "lw-meir-1"
