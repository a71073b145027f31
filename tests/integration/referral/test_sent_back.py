"""A referral that was sent back: its reason is shown, it is answered and sent again, or filed."""

import re
from typing import Any

import httpx

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser, hidden_fields, send_form

BASE = "/api/referral/v1"
NOTE = "Which tablets do they take? Please ring the pharmacy first."


async def send_back(referral: ReferralHarness, made: str, note: str | None = NOTE) -> None:
    """Returns a referral as a link worker does: the note goes to the vault, the fact is published."""
    kept = None
    if note is not None:
        answer = await referral.http.post(
            f"{BASE}/referrals/{made}/notes",
            json={"locality": referral.here, "kind": "note", "text": note},
            headers=referral.service("notes:write"),
        )
        kept = answer.json()["note_id"]
    body = o.ReferralReturned(
        referral_id=made, locality=referral.here, reason=v.ReturnReason.MORE_DETAIL, note=kept
    )
    await referral.say(body)
    await referral.until(made, stage="returned")


def form_of(page: str) -> dict[str, Any]:
    """The fields that a browser would send of the filled-in form."""
    fields: dict[str, Any] = dict(hidden_fields(page))
    for tag in re.findall(r"<input [^>]*>", page):
        kind, name = re.search(r'type="(\w+)"', tag), re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name is None or kind is None or kind.group(1) == "hidden" or name.group(1) in fields:
            continue
        chosen = kind.group(1) not in ("radio", "checkbox") or " checked" in tag
        if chosen and value is not None:
            fields[name.group(1)] = value.group(1)
    fields |= {
        name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"[^>]* checked', page) for name in ("needs",)
    }
    fields["language"] = "en"
    fields["reason"] = re.findall(r'<textarea[^>]*name="reason"[^>]*>([^<]*)<', page)[0]
    return fields


async def home(client: httpx.AsyncClient, group: str) -> str:
    return (await client.get(f"/referral/?group={group}")).text


async def test_referral_sent_back_shows_reason_and_note(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    await send_back(referral, made)

    async with browser(referral.app, referral.cookies()) as client:
        page = (await client.get(f"/referral/referrals/{made}")).text
        assert "More detail is needed" in page
        assert NOTE in page
        assert f"/referral/referrals/{made}/again" in page
        assert f'/referral/referrals/{made}"' in await home(client, "back")
        assert f'/referral/referrals/{made}"' not in await home(client, "ended")
        assert "sent back to you" in await home(client, "waiting")
    shown = await referral.http.get(f"{BASE}/referrals/{made}", headers=referral.referrer())
    assert shown.json()["returned"]["note"] == NOTE
    assert shown.json()["returned"]["reason"] == "more_detail"
    admin = await referral.http.get(f"{BASE}/referrals/{made}", headers=referral.admin())
    assert admin.json()["returned"]["note"] is None
    async with browser(referral.app, referral.cookies(NEIGHBOUR)) as stranger:
        for path in ("", "/again"):
            assert (await stranger.get(f"/referral/referrals/{made}{path}")).status_code == 404


async def test_form_sent_again_is_filled_in_and_names_the_old(referral: ReferralHarness) -> None:
    body = referral_body(
        reason="Sleeps badly",
        risk="see_note",
        risk_line="A dog",
        sensitive_needs=["gambling"],
        route="care_navigator",
    )
    made = await referral.made(body)
    await send_back(referral, made)

    async with browser(referral.app, referral.cookies()) as client:
        page = (await client.get(f"/referral/referrals/{made}/again")).text
        fields = form_of(page)
        assert (fields["family_name"], fields["house"]) == (body["family_name"], body["house"])
        assert (fields["reason"], fields["risk_line"]) == ("Sleeps badly", "A dog")
        assert fields["needs"] == ["debt", "befriending"]
        assert "gambling" not in page
        sent = await client.post("/referral/new", data=fields | {"reason": "Sleeps badly. No tablets."})
        assert sent.status_code == 303, sent.text
        again = re.findall(r"[0-9a-f-]{36}", sent.headers["location"])[0]
        assert again != made
        assert f'/referral/referrals/{made}"' not in await home(client, "back")
        assert f'/referral/referrals/{made}"' in await home(client, "ended")
    facts = await referral.context.kernel.facts(referral.here, again)
    created = facts[0].body
    first = (await referral.context.kernel.facts(referral.here, made))[0].body
    assert (created.resends, created.person_ref) == (made, first.person_ref)
    assert v.Need.SENSITIVE in created.needs
    assert created.route is v.Route.CARE_NAVIGATOR
    claimed = await referral.http.post(
        f"{BASE}/claims",
        json={
            "locality": referral.here,
            "referrals": [again],
            "fields": ["reason", "sensitive_needs"],
            "purpose": "caseload",
        },
        headers=referral.service(),
    )
    assert claimed.json()["people"][again] == {
        "reason": "Sleeps badly. No tablets.",
        "sensitive_needs": ["gambling"],
    }


async def test_resend_without_a_number_is_of_the_same_person(referral: ReferralHarness) -> None:
    body = referral_body(nhs_number=None)
    made = await referral.made(body)
    await send_back(referral, made, None)
    again = await referral.made(body | {"resends": made})
    people = [
        (await referral.context.kernel.facts(referral.here, each))[0].body.person_ref
        for each in (made, again)
    ]
    assert people[0] == people[1]


async def test_resend_of_somebody_else_is_refused(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    await send_back(referral, made, None)
    answer = await referral.make(referral_body(resends=made))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "resends_other_person"


async def test_resend_of_an_open_referral_is_refused(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    answer = await referral.make(body | {"resends": made})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_sent_back"


async def test_referral_with_nothing_to_send_is_filed_under_ended(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    await send_back(referral, made)
    async with browser(referral.app, referral.cookies()) as client:
        at = f"/referral/referrals/{made}"
        filed = await send_form(client, at, f"{at}/file", {})
        assert filed.headers["location"] == "/referral/?group=ended&filed=1"
        assert f'{at}"' not in await home(client, "back")
        assert f'{at}"' in await home(client, "ended")
        assert "Answer and send again" in (await client.get(at)).text
