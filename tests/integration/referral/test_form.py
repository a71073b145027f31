"""The form and the pages as a browser without scripts sends and gets them."""

import re
from collections.abc import Mapping
from datetime import date

import httpx

from services.referral.clients.matching import Matching
from services.referral.intake.pages.forms import to_request
from services.referral.web.forms import FormInput
from shared.contract.events.topics import SOURCE_PARTS, SourcePart
from shared.platform.ids import new_id
from shared.platform.web.owners import Owners
from tests.harness.parts.owned import claimed_for
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import form_fields, referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.integration.referral.test_api import meeting


async def test_everything_typed_is_kept(referral: ReferralHarness) -> None:
    fields = form_fields(
        referral_body(
            reason="Sleeps badly & worries", cannot_come=["mon_am"], risk="see_note", risk_line="Dog"
        )
    )
    fields |= {"nhs_number": "999 000 0019", "date_of_birth-year": "2999"}
    async with browser(referral.app, referral.cookies()) as client:
        shown = await send_form(client, "/referral/new", "/referral/new", fields)

    assert shown.status_code == 422
    for text in (
        fields["given_name"],
        fields["house"],
        "999 000 0019",
        "2999",
        "Sleeps badly &amp; worries",
        "Dog",
    ):
        assert text in shown.text
    for name, value in (
        ("needs", "debt"),
        ("safe_to_text", "yes"),
        ("agreed_how", "in_person"),
        ("cannot_come", "mon_am"),
    ):
        assert re.search(rf'name="{name}"[^>]*value="{value}"[^>]* checked', shown.text), name
    assert "check the digits" in shown.text
    assert "The date of birth must be in the past" in shown.text


def test_what_is_too_long_is_named() -> None:
    _, errors = to_request(FormInput({"reason": "x" * 301, "risk_line": "y" * 301}))
    assert [error.detail for error in errors] == [
        "What the link worker must know: use 300 characters or fewer.",
        "Reason for the referral: use 300 characters or fewer.",
    ]


def test_pasted_form_fields_are_cleaned() -> None:
    pasted = {
        "date_of_birth-day": "\u200b29",
        "date_of_birth-month": "3\u00a0",
        "date_of_birth-year": "\ufeff1951",
        "nhs_number": "999\u00a0000\u20110018",
        "postcode": "ST3\u20136AB",
    }
    request, errors = to_request(FormInput(pasted))
    assert errors == []
    assert request.date_of_birth == date(1951, 3, 29)
    assert request.nhs_number == "999 000-0018"
    assert request.postcode == "ST3-6AB"


async def test_find_fills_in_a_person_for_their_own_practice_only(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    keys = form_fields(body)
    search = {name: keys[name] for name in keys if name == "nhs_number" or name.startswith("date_of_birth")}

    async with browser(referral.app, referral.cookies()) as client:
        known = await send_form(client, "/referral/new", "/referral/new/find", search)
        other_day = await send_form(
            client, "/referral/new", "/referral/new/find", search | {"date_of_birth-year": "1931"}
        )
        sent_on = await send_form(client, "/referral/new", "/referral/new", keys | {"needs": [], "risk": ""})
    async with browser(referral.app, referral.cookies(NEIGHBOUR)) as client:
        elsewhere = await send_form(client, "/referral/new", "/referral/new/find", search)

    assert sent_on.status_code == 422
    assert f"/referral/referrals/{made}" in sent_on.text, "what was found is still there beside the errors"
    assert body["family_name"] in known.text
    assert f"/referral/referrals/{made}" in known.text
    for page in (other_day, elsewhere):
        assert "Nobody with this NHS number and date of birth" in page.text
        assert body["family_name"] not in page.text
        assert made not in page.text


async def test_user_with_two_practices_chooses_one(referral: ReferralHarness) -> None:
    fields = form_fields(referral_body())
    cookies = referral.issuer.signed_in(
        referral.app, role="referrer", localities=[referral.here], practices=["M83100", NEIGHBOUR]
    )
    async with browser(referral.app, cookies) as client:
        not_chosen = await send_form(client, "/referral/new", "/referral/new", fields)
        chosen = await send_form(client, "/referral/new", "/referral/new", fields | {"practice": NEIGHBOUR})

    assert "Choose the practice" in not_chosen.text
    assert "Meir Primary Care Centre, M83713" in not_chosen.text
    assert chosen.status_code == 303
    (made,) = re.findall(r"[0-9a-f-]{36}", chosen.headers["location"])
    assert (await referral.until(made))["practice"] == NEIGHBOUR


async def test_a_partners_referral_says_where_the_details_are(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    ours = (await referral.context.kernel.facts(referral.here, made))[0].body
    theirs = new_id()
    await referral.say(ours.model_copy(update={"referral_id": theirs, "practice": "Y02521"}), by="history")
    await referral.until(theirs, stage="waiting")
    async with browser(referral.app, referral.cookies("Y02521")) as client:
        listed = await client.get("/referral/")
        shown = await client.get(f"/referral/referrals/{theirs}")

    assert "Name kept by the partner" in listed.text
    assert "Name kept by the partner" in shown.text


async def test_appointment_without_matching_still_shows(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    await referral.say(meeting(referral, made, link_worker="lw-meir-404", practice=NEIGHBOUR))
    await referral.until(made, stage="booked")
    before = referral.app.state.matching
    nobody: Mapping[SourcePart, str] = dict.fromkeys(SOURCE_PARTS, "http://127.0.0.1:9")
    referral.app.state.matching = Matching(
        Owners(referral.context.localities, nobody), before._tokens, referral.context.kernel.clock
    )
    try:
        async with browser(referral.app, referral.cookies()) as client:
            shown = await client.get(f"/referral/referrals/{made}")
            slip = await client.get(f"/referral/referrals/{made}/slip")
            options = await client.get(f"/referral/referrals/{made}/another-time")
    finally:
        await referral.app.state.matching.close()
        referral.app.state.matching = before

    assert "Will be told" in shown.text
    assert "Meir Primary Care Centre" in shown.text
    assert "Tell your practice" in slip.text
    assert options.status_code == 503
    assert "The appointment stands as it is" in options.text


async def test_a_form_sent_twice_makes_one_referral(referral: ReferralHarness) -> None:
    fields = form_fields(referral_body())
    async with browser(referral.app, referral.cookies()) as client:
        page = await client.get("/referral/new")
        both = [await client.post("/referral/new", data=hidden_fields(page.text) | fields) for _ in range(2)]

    assert [answer.status_code for answer in both] == [303, 303]
    assert both[0].headers["location"] == both[1].headers["location"]


async def test_person_alike_is_a_hint_and_no_refusal(referral: ReferralHarness) -> None:
    body = referral_body(nhs_number=None)
    made = await referral.made(body)
    async with browser(referral.app, referral.cookies()) as client:
        hint = await send_form(client, "/referral/new", "/referral/new", form_fields(body))
        assert hint.status_code == 409
        assert f"/referral/referrals/{made}" in hint.text
        anyway = await client.post("/referral/new", data=hidden_fields(hint.text) | form_fields(body))

    assert anyway.status_code == 303


async def test_a_second_referral_is_answered_with_the_open_one(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    async with browser(referral.app, referral.cookies()) as client:
        shown = await send_form(client, "/referral/new", "/referral/new", form_fields(body))

    assert shown.status_code == 409
    assert f'href="/referral/referrals/{made}"' in shown.text


async def test_slot_taken_meanwhile_gives_an_error(referral: ReferralHarness, matching: MatchingStub) -> None:
    made = await referral.made(referral_body())
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    address = f"/referral/referrals/{made}/another-time"
    async with browser(referral.app, referral.cookies()) as client:
        nothing: httpx.Response = await send_form(client, address, address, {})
        matching.taken = True
        taken = await send_form(client, address, address, {"slot": "slot-1"})
        matching.taken = False

    assert "Choose a time" in nothing.text
    assert "That time has just been taken" in taken.text


async def test_appointment_stays_while_booking_is_handed_over(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    table = referral.context.localities
    before = table.numbered(table.version, {})
    table.become(claimed_for(table, referral.here, "booking", "booking-js"))
    try:
        async with browser(referral.app, referral.cookies()) as client:
            shown = await client.get(f"/referral/referrals/{made}")
            options = await client.get(f"/referral/referrals/{made}/another-time")
    finally:
        table.become(before)
    assert "Another time" not in shown.text
    assert "Another booking system takes over here just now" in options.text
    assert "Move the appointment" not in options.text


async def test_without_a_script_the_page_works_and_says_so_nowhere(referral: ReferralHarness) -> None:
    async with browser(referral.app, referral.cookies()) as client:
        page = await client.get("/referral/new")

    assert "style=" not in page.text
    assert "onclick" not in page.text
