"""Making and following a referral over HTTP, against a real broker and a real database."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from shared.platform.ids import new_id
from tests.harness.referral.people import nhs_number, referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness

REFERRALS = "/api/referral/v1/referrals"


def meeting(running: ReferralHarness, referral_id: str, **different: Any) -> MeetingBooked:
    whole: dict[str, Any] = {
        "referral_id": referral_id,
        "locality": running.here,
        "meeting_id": new_id(),
        "sequence": 0,
        "link_worker": "lw-meir-1",
        "practice": "M83100",
        "starts_at": datetime.now(UTC).replace(microsecond=0) + timedelta(days=2),
        "minutes": 45,
        "provisional": True,
    }
    return MeetingBooked(**(whole | different))


async def test_a_referral_is_made_and_can_be_read_at_once(referral: ReferralHarness) -> None:
    body = referral_body()

    answer = await referral.make(body)

    assert answer.status_code == 201
    made = answer.json()
    assert made["stage"] == "waiting"
    assert made["meeting"] is None
    assert answer.headers["location"] == f"{REFERRALS}/{made['id']}"
    shown = (await referral.http.get(answer.headers["location"], headers=referral.referrer())).json()
    assert shown["person"] == {
        "name": f"{body['given_name']} {body['family_name']}",
        "date_of_birth": body["date_of_birth"],
    }
    assert shown["needs"] == ["debt", "befriending"]
    assert shown["details_kept"] == "here"
    assert [each["kind"] for each in shown["history"]] == ["referral_created"]


async def test_post_waits_for_the_meeting_if_asked_to(referral: ReferralHarness) -> None:
    body = referral_body()

    async def book() -> None:
        row = None
        while row is None:
            await asyncio.sleep(0.02)
            index = referral.context.vault.index(referral.here)
            known = await referral.mongo["lookups"].find_one({"_id": index.by_number(body["nhs_number"])})
            row = await referral.mongo["entries"].find_one({"person": known["person"]}) if known else None
        await referral.say(meeting(referral, row["referral"]))

    booking = asyncio.create_task(book())
    answer = await referral.http.post(REFERRALS, params={"wait": 10}, json=body, headers=referral.referrer())
    await booking

    assert answer.json()["stage"] == "booked"
    assert answer.json()["meeting"]["link_worker"] == "lw-meir-1"
    assert answer.json()["meeting"]["provisional"] is True


async def test_a_preference_to_wait_is_understood_and_ends(referral: ReferralHarness) -> None:
    answer = await referral.make(referral_body(), prefer="respond-async, wait=1")

    assert answer.status_code == 201
    assert answer.json()["meeting"] is None


async def test_open_duplicate_is_named_to_those_who_may_see_it(referral: ReferralHarness) -> None:
    body = referral_body()
    first = await referral.made(body)

    again = await referral.make(body | {"nhs_number": f" {body['nhs_number'][:3]}-{body['nhs_number'][3:]}"})
    elsewhere = await referral.http.post(
        REFERRALS, json=body | {"practice": NEIGHBOUR}, headers=referral.referrer(NEIGHBOUR)
    )

    assert again.status_code == 409
    assert again.json()["existing"] == first
    assert elsewhere.status_code == 409
    assert "existing" not in elsewhere.json()
    assert "01632 960100" in elsewhere.json()["detail"]


async def test_two_referrals_of_one_person_at_once_make_one(referral: ReferralHarness) -> None:
    body = referral_body()

    answers = await asyncio.gather(*(referral.make(body) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    (made,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["existing"] for answer in answers if answer.status_code == 409} == {made}


async def test_referral_after_an_ended_one_has_the_same_person(referral: ReferralHarness) -> None:
    body = referral_body()
    first = await referral.made(body)
    await referral.http.post(
        f"{REFERRALS}/{first}/withdraw", json={"reason": "person_asked"}, headers=referral.referrer()
    )

    second = await referral.made(body | {"family_name": body["family_name"].upper()})

    views = [await referral.until(each) for each in (first, second)]
    assert views[0]["person"] == views[1]["person"]
    assert first != second


async def test_known_number_with_another_birth_date_is_refused(
    referral: ReferralHarness,
) -> None:
    body = referral_body()
    await referral.made(body)

    answer = await referral.make(body | {"date_of_birth": "1931-02-03"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "nhs_number_other_person"


async def test_second_referral_without_a_number_is_accepted(referral: ReferralHarness) -> None:
    body = referral_body(nhs_number=None)

    assert await referral.made(body) != await referral.made(body)


async def test_a_request_sent_twice_is_done_once(referral: ReferralHarness) -> None:
    body, key = referral_body(), {"idempotency-key": new_id()}

    first, second = await referral.make(body, **key), await referral.make(body, **key)
    other = await referral.make(referral_body(), **key)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert other.status_code == 422
    assert other.json()["type"] == "urn:linkwork:problem:idempotency_key"


async def test_the_same_person_in_two_localities_is_two_references(referral: ReferralHarness) -> None:
    body = referral_body()
    here = await referral.until(await referral.made(body))
    headers = referral.issuer.bearer(
        role="referrer", localities=[referral.far], practices=[referral.far_practice]
    )

    there = await referral.http.post(
        REFERRALS, json=body | {"practice": referral.far_practice}, headers=headers
    )

    assert there.status_code == 201
    far = await referral.until(there.json()["id"], referral.far)
    assert far["person"] != here["person"]


async def test_the_story_so_far_hides_what_is_sensitive(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(needs=["debt"], sensitive_needs=["gambling"]))
    booked = meeting(referral, made)
    shown_id, hidden_id = new_id(), new_id()
    about: dict[str, Any] = {"referral_id": made, "locality": referral.here}
    for body in (
        booked,
        o.MeetingAttended(**about, meeting_id=booked.meeting_id),
        o.PlanAgreed(**about, plan_id=new_id()),
        o.ServicePrescribed(
            **about,
            prescription_id=shown_id,
            service_id="0b0e1f9e-0000-4000-8000-000000000001",
            need=v.Need.DEBT,
        ),
        o.ServicePrescribed(
            **about,
            prescription_id=hidden_id,
            service_id="0b0e1f9e-0000-4000-8000-000000000002",
            need=v.Need.SENSITIVE,
        ),
        o.ProviderReplied(**about, prescription_id=hidden_id, reply=v.Reply.ACCEPTED),
        o.Measured(
            **about,
            instrument=v.Instrument.ONS4,
            stage=v.Stage.BEFORE,
            on=date(2026, 11, 1),
            scores={"happy": 3},
        ),
        o.ActivityStarted(**about, prescription_id=shown_id, on=date(2026, 11, 20)),
    ):
        await referral.say(body)
    await referral.until(made, stage="started")

    stage_alone = ["activity_started", "meeting_attended", "meeting_booked", "referral_created"]
    of_the_plan = ["plan_agreed", "service_prescribed"]
    before = await referral.http.get(f"{REFERRALS}/{made}", headers=referral.referrer())
    assert sorted(each["kind"] for each in before.json()["history"]) == stage_alone
    yes = o.SharingChanged(**about, agreement=v.Agreement.DETAILS_TO_GP, agreed=v.Agreed.YES)
    await referral.say(yes)
    await referral.until(made, details_to_gp="yes")
    after = await referral.http.get(f"{REFERRALS}/{made}", headers=referral.referrer())
    assert sorted(each["kind"] for each in after.json()["history"]) == sorted([*stage_alone, *of_the_plan])
    for secret in ("0b0e1f9e", "sensitive", "gambling", "happy", hidden_id, "scores"):
        assert secret not in before.text + after.text


async def test_a_partners_referral_is_followed_like_ours(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    ours = next(f.body for f in await referral.context.kernel.facts(referral.here, made))
    theirs = new_id()
    await referral.say(ours.model_copy(update={"referral_id": theirs}), by="history")
    await referral.until(theirs, stage="waiting")

    shown = (await referral.http.get(f"{REFERRALS}/{theirs}", headers=referral.referrer())).json()

    assert shown["details_kept"] == "by_partner"
    assert shown["person"] is None


async def test_withdrawn_referral_has_ended(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    address, headers = f"{REFERRALS}/{made}/withdraw", referral.referrer()

    done = await referral.http.post(address, json={"reason": "moved_away"}, headers=headers)
    again = await referral.http.post(address, json={"reason": "moved_away"}, headers=headers)
    wrong = await referral.http.post(address, json={"reason": "bored"}, headers=headers)

    assert done.json()["stage"] == "withdrawn"
    assert again.status_code == 409
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/reason"


async def test_lists_page_through_everything_longest_waiting_first(referral: ReferralHarness) -> None:
    practice = "Y02521"
    headers = referral.referrer(practice)
    made = []
    for _ in range(5):
        answer = await referral.http.post(REFERRALS, json=referral_body(practice=practice), headers=headers)
        made.append(answer.json()["id"])

    found: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2, "practice": practice} | ({"cursor": cursor} if cursor else {})
        page = (await referral.http.get(REFERRALS, params=params, headers=headers)).json()
        found += [each["id"] for each in page["referrals"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == made
    none = await referral.http.get(REFERRALS, params={"stage": "closed"}, headers=headers)
    assert none.json()["referrals"] == []
    later = {"since": "2099-01-01T00:00:00Z"}
    assert (await referral.http.get(REFERRALS, params=later, headers=headers)).json()["referrals"] == []
    made_up = await referral.http.get(REFERRALS, params={"cursor": "bm90LWEtY3Vyc29y"}, headers=headers)
    assert made_up.status_code == 422
    assert made_up.json()["errors"][0]["pointer"] == "/cursor"


async def test_the_programme_counts_without_names(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)

    counts = await referral.http.get(f"{REFERRALS}/counts", headers=referral.admin())
    shown = await referral.http.get(f"{REFERRALS}/{made}", headers=referral.admin())

    assert any(each["practice"] == "M83100" and each["referrals"] > 0 for each in counts.json()["counts"])
    assert shown.json()["person"] is None
    assert body["family_name"] not in shown.text


async def test_a_hub_refers_with_its_own_scope(referral: ReferralHarness) -> None:
    body = referral_body(route="hub")

    without = await referral.http.post(REFERRALS, json=body, headers=referral.service())
    with_it = await referral.http.post(REFERRALS, json=body, headers=referral.service("referrals:write"))

    assert without.status_code == 403
    assert with_it.status_code == 201


@pytest.mark.parametrize("field", ["house", "reason", "telephone"])
async def test_person_without_a_fixed_address_is_accepted(referral: ReferralHarness, field: str) -> None:
    optional = {field: None, "safe_to_text": "not_known"}
    body = referral_body(house=None, postcode=None, no_fixed_address=True, nhs_number=nhs_number()) | optional

    made = await referral.made({name: value for name, value in body.items() if value is not None})

    facts = await referral.context.kernel.facts(referral.here, made)
    assert facts[0].body.outward_code is None
