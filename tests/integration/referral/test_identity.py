"""Two people under one NHS number never become one; one person under two names is a question."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.referral.collections import CONFLICTS
from shared.platform.ids import new_id
from tests.harness.referral.people import form_fields, referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.integration.referral.test_claims import claim
from tests.integration.referral.test_details import withdraw

REFERRALS = "/api/referral/v1/referrals"
ELSEWHERE = {"practice": NEIGHBOUR}


async def ended(referral: ReferralHarness, **different: Any) -> tuple[dict[str, Any], str]:
    """Somebody whose only referral was withdrawn: as they were referred, and its id."""
    body = referral_body(**({"given_name": "Priya", "family_name": "Wainwright"} | different))
    made = await referral.made(body)
    await withdraw(referral, made)
    return body, made


async def post(
    referral: ReferralHarness, body: dict[str, Any], practice: str = "M83100", subject: str | None = None
) -> httpx.Response:
    headers = referral.referrer(practice, subject=subject or f"asker-{new_id()}")
    return await referral.http.post(REFERRALS, json=body | {"practice": practice}, headers=headers)


async def name_of(referral: ReferralHarness, made: str) -> str:
    found: str = (await claim(referral, made, fields=["name"])).json()["people"][made]["name"]
    return found


async def audited(referral: ReferralHarness, made: str, action: str) -> int:
    person = (await referral.until(made))["person"]
    return await referral.mongo["audit"].count_documents({"subject_ref": person, "action": action})


async def test_quite_different_name_is_refused_like_a_birth_date(referral: ReferralHarness) -> None:
    body, made = await ended(referral)

    answer = await post(referral, body | {"given_name": "Barnaby", "family_name": "Marchbanks"})

    (error,) = answer.json()["errors"]
    assert answer.status_code == 422
    assert (error["pointer"], error["code"]) == ("/nhs_number", "nhs_number_other_person")
    assert "Priya" not in answer.text
    assert "Marchbanks" not in answer.text
    assert await name_of(referral, made) == "Priya Wainwright"
    assert await audited(referral, made, "name_does_not_fit") == 1


async def test_twin_under_the_same_number_is_refused(referral: ReferralHarness) -> None:
    body, _ = await ended(referral)

    answer = await post(referral, body | {"given_name": "Thomas"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "told",
    [
        {"family_name": "Hollinshead"},
        {"given_name": "Pryia"},
        {"given_name": "Wainwright", "family_name": "Priya"},
        {"family_name": "Wainwright-Hollinshead"},
        {"given_name": "Priyà"},
        {"given_name": None},
    ],
)
async def test_similar_name_is_asked_about_and_then_taken(
    referral: ReferralHarness, told: dict[str, str | None]
) -> None:
    body, first = await ended(referral)
    changed = {field: value for field, value in (body | told).items() if value is not None}

    question = await post(referral, changed)
    blindly = await post(referral, changed | {"same_person": "yes"})
    confirmed = await post(referral, changed | {"same_person": question.json()["confirm"]})

    assert question.status_code == blindly.status_code == 409
    assert question.json()["type"] == "urn:linkwork:problem:confirm_person"
    assert question.json()["referral"] == first
    assert "Wainwright" not in question.text
    assert confirmed.status_code == 201
    second = confirmed.json()["id"]
    views = [await referral.until(each) for each in (first, second)]
    assert views[0]["person"] == views[1]["person"]
    assert await name_of(referral, first) == "Priya Wainwright"
    assert await name_of(referral, second) == " ".join(
        changed[field] for field in ("given_name", "family_name") if field in changed
    )
    assert await audited(referral, first, "same_person_confirmed") == 1


async def test_same_name_in_capitals_goes_on(referral: ReferralHarness) -> None:
    body, _ = await ended(referral)

    answer = await post(referral, body | {"given_name": "PRIYA", "family_name": "wainwright"})

    assert answer.status_code == 201


async def test_confirmation_for_one_name_holds_for_no_other(referral: ReferralHarness) -> None:
    body, _ = await ended(referral)
    question = await post(referral, body | {"family_name": "Hollinshead"})

    other = body | {"family_name": "Shaughnessy", "same_person": question.json()["confirm"]}

    assert (await post(referral, other)).status_code == 409


async def test_name_that_the_person_had_before_is_asked_about(referral: ReferralHarness) -> None:
    body, _ = await ended(referral, given_name="Liz", family_name="Taylor")
    married = body | {"given_name": "Elizabeth", "family_name": "Burton"}
    question = await post(referral, married)
    second = await post(referral, married | {"same_person": question.json()["confirm"]})
    await withdraw(referral, second.json()["id"])

    assert (await post(referral, body | {"given_name": "L", "family_name": "Taylor"})).status_code == 409


async def test_similar_name_from_elsewhere_is_asked_without_the_name(referral: ReferralHarness) -> None:
    body, made = await ended(referral)

    question = await post(referral, body | {"family_name": "Hollinshead"}, NEIGHBOUR)
    confirm = {"family_name": "Hollinshead", "same_person": question.json()["confirm"]}
    confirmed = await post(referral, body | confirm, NEIGHBOUR)

    assert question.status_code == 409
    assert question.json()["referral"] is None
    assert await audited(referral, made, "name_asked_elsewhere") == 1
    assert confirmed.status_code == 201


async def test_person_with_one_name_is_referred_and_known_again(referral: ReferralHarness) -> None:
    body, made = await ended(referral, given_name=None, family_name="Suharto")

    again = await post(referral, body)

    assert await name_of(referral, made) == "Suharto"
    assert again.status_code == 201


async def test_form_shows_both_names_and_asks(referral: ReferralHarness) -> None:
    body, _ = await ended(referral)
    fields = form_fields(body | {"family_name": "Hollinshead"})
    async with browser(referral.app, referral.cookies(subject=f"asker-{new_id()}")) as client:
        question = await send_form(client, "/referral/new", "/referral/new", fields)
        confirm = question.text.split('name="same_person" value="')[1].split('"')[0]
        hidden = hidden_fields(question.text)
        sent = await client.post("/referral/new", data=hidden | fields | {"same_person": confirm})

    assert question.status_code == 409
    assert "Is this the same person?" in question.text
    assert "Priya Wainwright" in question.text
    assert "Priya Hollinshead" in question.text
    assert sent.status_code == 303


async def test_form_from_elsewhere_does_not_show_the_name(referral: ReferralHarness) -> None:
    body, _ = await ended(referral)
    fields = form_fields(body | {"family_name": "Hollinshead"})
    async with browser(referral.app, referral.cookies(NEIGHBOUR, subject=f"asker-{new_id()}")) as client:
        question = await send_form(client, "/referral/new", "/referral/new", fields)

    assert question.status_code == 409
    assert "It is the same person" in question.text
    assert "Wainwright" not in question.text


async def test_caller_with_many_conflicts_has_to_wait(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    subject = f"curious-{new_id()}"
    for number in range(referral.settings.identity_conflicts):
        answer = await post(
            referral, body | {"date_of_birth": f"1931-02-{number + 1:02d}"}, NEIGHBOUR, subject
        )
        assert answer.status_code == 422

    conflict = await post(referral, body, NEIGHBOUR, subject)
    stranger = await post(referral, referral_body(), NEIGHBOUR, subject)
    async with browser(referral.app, referral.cookies(NEIGHBOUR, subject=subject)) as client:
        page = await send_form(client, "/referral/new", "/referral/new", form_fields(referral_body()))
    colleague = await post(referral, referral_body(), NEIGHBOUR)

    for refused in (conflict, stranger):
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:linkwork:problem:too_many_conflicts"
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert page.status_code == 429
    assert "Wait a while" in page.text
    assert 3500 < int(page.headers["retry-after"]) <= 3600
    assert colleague.status_code == 201
    assert await audited(referral, made, "number_does_not_fit") == referral.settings.identity_conflicts
    hour = {"$set": {"at": referral.context.kernel.clock() - timedelta(minutes=61)}}
    await referral.mongo[CONFLICTS].update_many({"caller": subject}, hour)
    assert (await post(referral, referral_body(), NEIGHBOUR, subject)).status_code == 201


async def test_open_referral_elsewhere_is_audited_and_counted(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    subject = f"asker-{new_id()}"

    answer = await post(referral, body, NEIGHBOUR, subject)
    own = await post(referral, body, "M83100", subject)

    assert answer.status_code == own.status_code == 409
    assert await audited(referral, made, "known_elsewhere") == 1
    assert await referral.mongo[CONFLICTS].count_documents({"caller": subject}) == 1


async def test_practice_that_names_the_hub_as_route_is_refused(referral: ReferralHarness) -> None:
    answer = await post(referral, referral_body(route="hub"))
    navigator = await post(referral, referral_body(route="care_navigator"))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/route"
    assert navigator.status_code == 201


async def test_pseudo_postcode_is_said_to_nobody_as_a_place(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(house=None, postcode="ZZ99 3VZ"))

    created: Any = (await referral.context.kernel.facts(referral.here, made))[0].body
    assert created.outward_code is None
    assert created.deprivation_decile is None
    assert (await claim(referral, made, fields=["postcode", "address"])).json()["people"][made] == {}


async def test_invented_postcode_is_asked_about_and_is_no_place(referral: ReferralHarness) -> None:
    body = referral_body(postcode="ZZ1 1ZZ")

    question = await post(referral, body)
    confirmed = await post(referral, body | {"postcode_confirmed": "zz11zz"})

    assert question.status_code == 422
    assert question.json()["errors"][0]["pointer"] == "/postcode"
    assert confirmed.status_code == 201
    facts = await referral.context.kernel.facts(referral.here, confirmed.json()["id"])
    created: Any = facts[0].body
    assert created.outward_code is None


async def test_far_postcode_is_warned_about_and_taken(referral: ReferralHarness) -> None:
    answer = await post(referral, referral_body(postcode="TR1 1AA"))
    near = await post(referral, referral_body())

    assert answer.status_code == 201
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["postcode_far"]
    assert near.json()["warnings"] == []


async def test_form_warns_of_a_far_postcode_once(referral: ReferralHarness) -> None:
    fields = form_fields(referral_body(postcode="TR1 1AA"))
    async with browser(referral.app, referral.cookies()) as client:
        warned = await send_form(client, "/referral/new", "/referral/new", fields)
        sent = await client.post("/referral/new", data=hidden_fields(warned.text) | fields)

    assert warned.status_code == 409
    assert "Far from the practice" in warned.text
    assert "Refer anyway" in warned.text
    assert sent.status_code == 303


async def test_form_lets_an_unknown_postcode_be_confirmed(referral: ReferralHarness) -> None:
    fields = form_fields(referral_body(postcode="ZZ1 1ZZ"))
    async with browser(referral.app, referral.cookies()) as client:
        question = await send_form(client, "/referral/new", "/referral/new", fields)
        hidden = hidden_fields(question.text)
        confirmed = fields | {"postcode_confirmed": "ZZ1 1ZZ"}
        sent = await client.post("/referral/new", data=hidden | confirmed)

    assert question.status_code == 422
    assert "The postcode is right" in question.text
    assert sent.status_code == 303
