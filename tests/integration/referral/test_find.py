"""Finding a person: by each field, of one's own people alone, with an audit and without a trace in logs."""

import logging
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.referral.collections import KEYS, SEARCHES, TERMS
from services.referral.identity.vault.reindexing import IndexRotation
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.delivery.audit.trail import AUDIT
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.integration.referral.test_api import meeting
from tests.integration.referral.test_contacts import change
from tests.integration.referral.test_details import withdraw
from tests.integration.referral.test_erasure import identity_of

FIND = "/api/referral/v1/people/find"


async def search(referral: ReferralHarness, by: dict[str, str] | None = None, **what: Any) -> httpx.Response:
    return await referral.http.post(FIND, json=what, headers=by or referral.referrer())


async def found(referral: ReferralHarness, by: dict[str, str] | None = None, **what: Any) -> list[str]:
    """The referrals that a search shows, best first."""
    answer = await search(referral, by, **what)
    assert answer.status_code == 200, answer.text
    return [each["referral"] for each in answer.json()["people"]]


def worker(referral: ReferralHarness, name: str = "lw-meir-1") -> dict[str, str]:
    return referral.issuer.bearer(role="link_worker", localities=[referral.here], link_worker=name)


async def test_each_field_finds_the_person(referral: ReferralHarness) -> None:
    body = referral_body(
        given_name="Wilhelmina",
        family_name="Fothergill-Żółty",
        preferred_name="Pixie",
        telephone="07700 900777",
        postcode="ST3 6AD",
    )
    made = await referral.made(body)
    for what in (
        {"name": "Wilhelmina Fothergill Zolty"},
        {"name": "fothergil zolty"},
        {"name": "Zolty Wilhelmena"},
        {"name": "Mina Fothergill"},
        {"name": "Pixi Zolty"},
        {"nhs_number": body["nhs_number"]},
        {"reference": made},
        {"date_of_birth": body["date_of_birth"], "name": "Wilhelmina"},
        {"telephone": "+44 7700 900777", "name": "Wilhelmina"},
        {"postcode": "st36ad", "name": "Wilhelmina"},
    ):
        assert made in await found(referral, **what), what
    for what in (
        {"name": "Wilhelmina Fotheringay"},
        {"nhs_number": body["nhs_number"], "date_of_birth": "1931-01-01"},
        {"name": "Wilhelmina", "postcode": "ST3 6AB"},
        {"reference": made, "name": "Barnaby"},
    ):
        assert made not in await found(referral, **what), what
    (shown,) = (await search(referral, nhs_number=body["nhs_number"])).json()["people"]
    assert (shown["name"], shown["date_of_birth"], shown["stage"], shown["open"]) == (
        "Wilhelmina Fothergill-Żółty",
        body["date_of_birth"],
        "waiting",
        True,
    )


async def test_practice_finds_its_own_people_only(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Ravenscroft")
    made = await referral.made(body)
    elsewhere = referral.referrer(NEIGHBOUR)
    nobody = await search(referral, elsewhere, nhs_number=body["nhs_number"])
    unknown = await search(referral, elsewhere, nhs_number="9990000018")
    assert nobody.json() == unknown.json() == {"people": [], "too_many": False}
    for what in ({"name": "Ravenscroft"}, {"reference": made}, {"telephone": body["telephone"]}):
        assert await found(referral, elsewhere, **what) == []
    # A practice of another locality's token is not theirs there.
    stranger = referral.issuer.bearer(role="referrer", localities=[referral.far], practices=["M83100"])
    assert await found(referral, stranger, nhs_number=body["nhs_number"]) == []
    for role in ("analyst", "provider"):
        by = referral.issuer.bearer(role=role, localities=[referral.here])
        assert (await search(referral, by, name="Ravenscroft")).status_code == 403


async def test_link_worker_finds_their_own_cases_only(
    referral: ReferralHarness, matching: MatchingStub
) -> None:
    body = referral_body(family_name="Cadwallader")
    made = await referral.made(body)
    mine = worker(referral)
    assert await found(referral, mine, nhs_number=body["nhs_number"]) == []
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    assert await found(referral, mine, name="Cadwalader") == [made]
    assert await found(referral, worker(referral, "lw-meir-2"), nhs_number=body["nhs_number"]) == []
    # A forged hand-over in our own name gives the vault's word to nobody.
    forged = o.LinkWorkerChanged(referral_id=made, locality=referral.here, link_worker="lw-meir-2")
    await referral.say(forged, "casework")
    await referral.until(made, link_worker="lw-meir-2")
    assert await found(referral, worker(referral, "lw-meir-2"), reference=made) == []
    matching.link_worker = None
    try:
        away = await search(referral, worker(referral, "lw-meir-2"), reference=made)
    finally:
        matching.link_worker = "lw-meir-1"
    assert away.status_code == 503
    assert "Cadwallader" not in away.text


async def test_covering_colleague_finds_the_person_meanwhile(
    referral: ReferralHarness, matching: MatchingStub
) -> None:
    body = referral_body(family_name="Featherstonehaugh")
    made = await referral.made(body)
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    colleague = worker(referral, "lw-meir-2")
    for what in ({"name": "Fetherstonehaugh"}, {"reference": made}):
        assert await found(referral, colleague, **what) == []
        matching.covering = {made: ["lw-meir-2", "lw-meir-3"]}
        assert await found(referral, colleague, **what) == [made]
        assert await found(referral, worker(referral, "lw-meir-4"), **what) == []
        matching.covering = {}


async def test_colleague_learns_of_nobody_while_casework_is_away(
    referral: ReferralHarness, matching: MatchingStub
) -> None:
    body = referral_body()
    made = await referral.made(body)
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    matching.link_worker = None
    try:
        assert await found(referral, worker(referral, "lw-meir-2"), nhs_number=body["nhs_number"]) == []
        own = await search(referral, worker(referral), nhs_number=body["nhs_number"])
    finally:
        matching.link_worker = "lw-meir-1"
    assert own.status_code == 503


async def test_programme_team_finds_without_identity(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Ottershaw")
    made = await referral.made(body)
    for what in ({"name": "Ottershaw"}, {"telephone": body["telephone"]}, {"postcode": "ST3 6AB"}):
        refused = await search(referral, referral.admin(), **what)
        assert refused.json()["errors"][0]["code"] == "search_too_wide"
    whole = f"{body['given_name']} Ottershaw"
    assert await found(referral, referral.admin(), name=whole, date_of_birth=body["date_of_birth"]) == [made]
    slip = whole.replace("shaw", "show")
    assert await found(referral, referral.admin(), name=slip, date_of_birth=body["date_of_birth"]) == []
    answer = await search(referral, referral.admin(), nhs_number=body["nhs_number"])
    (shown,) = answer.json()["people"]
    assert (shown["referral"], shown["name"], shown["date_of_birth"]) == (made, None, None)
    far = referral.admin(localities=[referral.far])
    assert await found(referral, far, nhs_number=body["nhs_number"]) == []


async def test_person_is_shown_once_by_the_open_referral(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Pemberton")
    first = await referral.made(body)
    await withdraw(referral, first)
    assert await found(referral, nhs_number=body["nhs_number"]) == [first]
    second = await referral.made(body)
    assert await found(referral, nhs_number=body["nhs_number"]) == [second]
    assert await found(referral, name="Pemberton", nhs_number=body["nhs_number"]) == [second]


async def test_changed_number_finds_and_the_old_one_no_longer(referral: ReferralHarness) -> None:
    body = referral_body(telephone="07700 900321")
    made = await referral.made(body)
    name = body["family_name"]
    assert await found(referral, telephone="07700 900321", name=name) == [made]
    what = {"telephone": "07700 900654", "safe_to_text": "yes"}
    assert (await change(referral, made, referral.referrer(), **what)).is_success
    assert await found(referral, telephone="07700 900321", name=name) == []
    assert await found(referral, telephone="07700 900654", name=name) == [made]


async def test_erased_person_is_found_by_nobody(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Wolstenholme")
    made = await referral.made(body)
    person = (await referral.until(made))["person"]
    assert await referral.mongo[TERMS].count_documents({"person": person}) == 1
    await referral.http.post(f"/api/referral/v1/referrals/{made}/erase", headers=referral.admin())
    assert await referral.mongo[TERMS].count_documents({"person": person}) == 0
    await referral.until(made, stage="erased")
    for what in ({"name": "Wolstenholme"}, {"nhs_number": body["nhs_number"]}):
        assert await found(referral, **what) == []
    (shown,) = (await search(referral, reference=made)).json()["people"]
    assert (shown["stage"], shown["name"], shown["details_kept"]) == ("erased", None, "erased")


async def test_person_who_died_is_shown_as_such(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    reason = {"reason": v.WithdrawReason.DIED.value}
    path = f"/api/referral/v1/referrals/{made}/withdraw"
    assert (await referral.http.post(path, json=reason, headers=referral.referrer())).is_success
    (shown,) = (await search(referral, nhs_number=body["nhs_number"])).json()["people"]
    assert (shown["died"], shown["open"]) == (True, False)
    async with browser(referral.app, referral.cookies()) as client:
        page = await send_form(client, "/referral/find", "/referral/find", {"who": body["nhs_number"]})
    assert "They died" in page.text
    assert "Refer again" not in page.text


async def test_search_is_audited_by_fields_and_hits(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Heathcote")
    made = await referral.made(body)
    person = (await referral.until(made))["person"]
    by = referral.referrer(subject="searching-asha")
    await found(referral, by, name="Heathcote", date_of_birth=body["date_of_birth"])
    await found(referral, by, postcode="ST4 7QB")
    rows = (
        await referral.mongo[AUDIT]
        .find({"caller": "searching-asha"})
        .sort([("at", 1), ("_id", 1)])
        .to_list(None)
    )
    told = [(row["action"], row["subject_ref"], row["purpose"]) for row in rows]
    assert told == [
        ("search_people", "search:1", "name.born"),
        ("find_person", person, "find"),
        ("search_people", "search:0", "postcode"),
    ]


async def test_searches_of_an_hour_are_limited(referral: ReferralHarness) -> None:
    now, most = referral.context.kernel.clock(), referral.settings.searches_an_hour
    rows = [{"caller": "too-curious", "at": now - timedelta(minutes=number % 50)} for number in range(most)]
    await referral.mongo[SEARCHES].insert_many(rows)
    refused = await search(referral, referral.referrer(subject="too-curious"), name="Smith")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (429, "too_many_searches")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert (await search(referral, name="Smith")).status_code == 200


async def test_search_leaves_no_trace_in_logs_and_addresses(
    referral: ReferralHarness, caplog: pytest.LogCaptureFixture
) -> None:
    body = referral_body(family_name="Throgmorton", reason="None", risk="see_note", risk_line="Loose dog")
    await referral.made(body)
    with caplog.at_level(logging.DEBUG):
        async with browser(referral.app, referral.cookies()) as client:
            who = f"{body['given_name']} Throgmorton, {body['telephone']}"
            page = await send_form(client, "/referral/find", "/referral/find", {"who": who})
            wrong = await send_form(client, "/referral/find", "/referral/find", {"who": "9990000019"})
    assert "Throgmorton</a>" in page.text
    assert "check the digits" in wrong.text
    ours = [each for each in caplog.records if each.name.startswith(("linkwork", "services", "shared"))]
    written = " ".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "search_people" in written
    for text in identity_of(body)[:-3]:
        assert text.decode() not in written
    assert not re.search(r'href="[^"]*Throgmorton', page.text)


async def test_existing_person_is_referred_in_five_clicks(referral: ReferralHarness) -> None:
    """Counts clicks and filled fields of the whole path, from the practice's first page."""
    body = referral_body(family_name="Ashenhurst")
    first = await referral.made(body)
    await withdraw(referral, first)
    clicks = 0
    async with browser(referral.app, referral.cookies()) as client:

        async def follow(html: str, address: str) -> str:
            nonlocal clicks
            assert f'href="{address}"' in html
            clicks += 1
            return (await client.get(address)).text

        async def press(html: str, address: str, fields: dict[str, str]) -> httpx.Response:
            nonlocal clicks
            assert f'action="{address}"' in html
            clicks += 1
            return await client.post(address, data=kept_fields(html, address) | fields)

        home = (await client.get("/referral/")).text
        new = await follow(home, "/referral/new")
        find = await follow(new, "/referral/find")
        by = {"who": body["nhs_number"]}
        people = (await press(find, "/referral/find", by)).text
        form = (await press(people, "/referral/new/known", {})).text
        assert "Ashenhurst" in form
        filled = {"needs": "debt", "risk": "none_known", "agreed": "yes"}
        filled |= {"agreed_by": "person", "agreed_how": "in_person"}
        done = await press(form, "/referral/new", filled)
    assert done.status_code == 303, done.text
    assert clicks == 5
    assert len(by) + len(filled) <= 8


def kept_fields(html: str, action: str) -> dict[str, str]:
    """The values that a form shows already: hidden and typed fields, and what is chosen."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    assert form is not None
    shown = hidden_fields(form[0])
    for tag in re.findall(r"<input[^>]*>", form[0]):
        parts = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        kind = parts.get("type", "text")
        if kind in ("text", "tel") and parts.get("value"):
            shown[parts["name"]] = parts["value"]
        if kind in ("radio", "checkbox") and " checked" in tag:
            shown[parts["name"]] = parts["value"]
    return shown


async def test_referral_of_another_practice_fills_in_nothing(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    async with browser(referral.app, referral.cookies(NEIGHBOUR)) as client:
        answer = await send_form(client, "/referral/new", "/referral/new/known", {"referral": made})
    assert answer.status_code == 404
    assert body["family_name"] not in answer.text


async def test_people_from_before_are_indexed_by_a_rotation(referral: ReferralHarness) -> None:
    body = referral_body(family_name="Bickerstaffe")
    made = await referral.made(body)
    person = (await referral.until(made))["person"]
    await referral.mongo[TERMS].delete_many({"person": person})
    await referral.mongo[KEYS].update_one({"_id": person}, {"$unset": {"terms": ""}})
    assert await found(referral, name="Bickerstaffe") == []
    rotation = IndexRotation(referral.mongo, referral.context.vault)
    assert (await rotation.reindex(1_000_000)).done >= 1
    assert await found(referral, name="Bickerstaffe") == [made]
