"""The API: a journey in codes, keys, what may be said, and the document that says what there is."""

from datetime import timedelta
from typing import Any

import pytest

from services.matching.command_runner import CommandRunner
from shared.contract.events import outcomes as o
from shared.platform.ids import new_id
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from tests.harness.matching.plans import prescribed, service_of
from tests.harness.matching.service_harness import MatchingHarness


async def test_a_journey_in_codes(town: MatchingHarness) -> None:
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


async def test_same_key_runs_once_and_refuses_another_request(town: MatchingHarness) -> None:
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


async def test_no_open_case_is_left_without_a_next_step(town: MatchingHarness) -> None:
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


async def test_texts_go_to_the_vault_or_nothing_is_saved(town: MatchingHarness) -> None:
    referral = await town.refer()
    await town.met(referral)
    step = {"code": "ring", "on": town.clock.now.date().isoformat()}
    body = {"what_matters": "My garden", "next_step": step}
    answer = await town.post(f"/referrals/{referral}/plan", body, of=town.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:linkwork:problem:vault_away")
    assert (await town.view(referral)).story.plan is None


async def test_everything_said_can_be_taken_back_once(town: MatchingHarness) -> None:
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


async def test_return_after_a_new_referral_is_not_undone(town: MatchingHarness) -> None:
    referral = await town.refer()
    by = town.link_worker()
    done = await town.post(f"/referrals/{referral}/return", {"reason": "more_detail"}, of=by)
    (said,) = (each for each in done.json()["said"] if each["kind"] == "referral_returned")
    await town.refer(person_ref=referral)
    undo = {"source": said["source"], "event_id": said["event_id"]}
    for path, body in (("retractions", undo), ("reopen", {})):
        refused = await town.post(f"/referrals/{referral}/{path}", body, of=by)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:referred_again")
    assert not (await town.view(referral)).open


@pytest.mark.parametrize("path", ["retractions", "reopen"])
async def test_return_while_the_practice_refers_again_is_not_undone(
    town: MatchingHarness, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new referral arrives after the request was let in, and before its transaction."""
    referral = await town.refer()
    by = town.link_worker()
    done = await town.post(f"/referrals/{referral}/return", {"reason": "more_detail"}, of=by)
    (said,) = (each for each in done.json()["said"] if each["kind"] == "referral_returned")
    runs = CommandRunner.run

    async def run_later(runner: CommandRunner, *arguments: Any, **more: Any) -> Any:
        await town.refer(person_ref=referral)
        return await runs(runner, *arguments, **more)

    monkeypatch.setattr(CommandRunner, "run", run_later)
    undo = {"source": said["source"], "event_id": said["event_id"]} if path == "retractions" else {}
    refused = await town.post(f"/referrals/{referral}/{path}", undo, of=by)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:referred_again")
    assert not (await town.view(referral)).open


async def test_closed_and_opened_again(town: MatchingHarness) -> None:
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


async def test_sharing_answers_take_each_others_place(town: MatchingHarness) -> None:
    referral, of = await prescribed(town, may_share="not_asked")
    by = town.link_worker()
    for agreed in ("no", "yes", "yes", "no", "not_asked"):
        body = {"agreement": "service", "agreed": agreed, "prescription_id": of}
        done = await town.post(f"/referrals/{referral}/sharing", body, of=by)
        assert done.status_code == 200, done.text
        assert (await town.view(referral)).story.prescriptions[0].may_share.value == agreed


async def test_the_openapi_document_says_what_there_is(town: MatchingHarness) -> None:
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


async def test_draft_is_for_its_link_worker_until_erasure(town: MatchingHarness) -> None:
    referral = await town.refer()
    drafts = town.app.state.features.drafts
    owner = Principal("lw", "link_worker", frozenset({town.slug}), link_worker="lw-meir-1")
    await drafts.save_draft(owner, referral, {"need": "debt", "ons4_happy": 3}, {})
    assert await drafts.draft(owner, referral) == {"need": "debt", "ons4_happy": 3}
    with pytest.raises(Problem) as away:
        await drafts.save_draft(owner, referral, {}, {"note": "words"})  # nobody answers as the vault
    assert (away.value.status_code, away.value.code) == (503, "vault_away")
    stranger = Principal("other", "link_worker", frozenset({town.slug}), link_worker="lw-meir-9")
    with pytest.raises(Problem) as refused:
        await drafts.draft(stranger, referral)
    assert refused.value.status_code == 404
    await town.say(o.PersonErased(referral_id=referral, locality=town.slug, person_ref=referral))
    await town.until(referral, lambda view: view["stage"] == "erased")
    assert await town.kernel.mongo["drafts"].count_documents({"_id": f"{town.slug}/{referral}"}) == 0
