"""Telephone and "safe to text" of an open referral: changed, the past kept, unsafe numbers for good."""

import logging
from typing import Any

import httpx
import pytest

from services.referral.identity.commands import change_contact
from services.referral.referral_state.state import NotOpen, fold
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.delivery.audit.trail import AUDIT
from shared.platform.ids import new_id
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.harness.web.forms import browser, send_form
from tests.integration.referral.test_api import meeting
from tests.integration.referral.test_claims import claim
from tests.integration.referral.test_details import withdraw
from tests.unit.referral.test_state import FACTS, HERE, SOURCES, context, fact

BASE = "/api/referral/v1/referrals"
OLD, NEW = "+447700900123", "+447700900456"


async def change(referral: ReferralHarness, made: str, by: dict[str, str], **what: Any) -> httpx.Response:
    return await referral.http.post(f"{BASE}/{made}/contact", json=what, headers=by)


async def claimed(referral: ReferralHarness, made: str) -> dict[str, Any]:
    answer = await claim(referral, made, fields=["telephone", "safe_to_text"])
    found: dict[str, Any] = answer.json()["people"][made]
    return found


def status_of(*more: Any) -> Any:
    return fold([FACTS[0], *more], SOURCES)


def test_change_of_contact_publishes_a_code_once() -> None:
    (said,) = change_contact(v.SafeToText.RING, status_of(), context()).facts
    assert said == o.ContactChanged(**HERE, contact=v.SafeToText.RING)
    changed = fact(70, o.ContactChanged(**HERE, contact=v.SafeToText.RING), "/meir/referral")
    assert not change_contact(v.SafeToText.RING, status_of(changed), context()).facts


def test_change_of_contact_back_retracts_the_change() -> None:
    changed = fact(70, o.ContactChanged(**HERE, contact=v.SafeToText.RING), "/meir/referral")
    (said,) = change_contact(v.SafeToText.YES, status_of(changed), context()).facts
    assert isinstance(said, o.Retracted)
    assert (said.event_source, said.event_id) == ("/meir/referral", changed.id)


def test_change_of_contact_after_the_end_is_refused() -> None:
    with pytest.raises(NotOpen):
        change_contact(v.SafeToText.RING, status_of(FACTS[11]), context())


async def test_practice_changes_the_number_and_the_old_is_kept(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    answer = await change(
        referral, made, referral.referrer(subject="asha"), telephone="07700 900456", safe_to_text="yes"
    )
    assert answer.status_code == 200, answer.text
    assert await claimed(referral, made) == {"telephone": NEW, "safe_to_text": "yes"}
    (old,) = answer.json()["earlier"]
    assert (old["field"], old["value"]) == ("telephone", OLD)
    assert old["by"]
    assert old["at"] < old["until"]


async def test_change_by_a_link_worker_is_published(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    worker = referral.issuer.bearer(role="link_worker", localities=[referral.here], link_worker="lw-meir-1")
    answer = await change(referral, made, worker, telephone="07700 900123", safe_to_text="not_known")
    assert answer.status_code == 200, answer.text
    assert (await claimed(referral, made))["safe_to_text"] == "not_known"
    facts = await referral.context.kernel.facts(referral.here, made)
    (said,) = [each.body for each in facts if isinstance(each.body, o.ContactChanged)]
    assert said.contact is v.SafeToText.NOT_KNOWN
    stranger = referral.issuer.bearer(role="link_worker", localities=[referral.here], link_worker="lw-meir-2")
    for by in (stranger, referral.referrer(NEIGHBOUR)):
        refused = await change(referral, made, by, telephone="07700 900456", safe_to_text="yes")
        assert refused.status_code == 404


async def test_covering_colleague_changes_the_number(
    referral: ReferralHarness, matching: MatchingStub, caplog: pytest.LogCaptureFixture
) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    colleague = referral.issuer.bearer(
        role="link_worker", localities=[referral.here], link_worker="lw-meir-2", subject="colleague"
    )
    matching.covering = {made: ["lw-meir-2"]}
    try:
        with caplog.at_level(logging.INFO, "linkwork.audit"):
            answer = await change(referral, made, colleague, telephone="07700 900456", safe_to_text="yes")
    finally:
        matching.covering = {}
    assert answer.status_code == 200, answer.text
    assert (await claimed(referral, made))["telephone"] == NEW
    said = [vars(each) for each in caplog.records if each.name == "linkwork.audit"]
    read = [each for each in said if each["action"] == "read_contact"]
    assert {(each["caller"], each["purpose"]) for each in read} == {("colleague", "cover")}
    changed = await referral.mongo[AUDIT].find_one({"action": "change_contact", "subject_ref": made})
    assert changed is not None
    assert changed["caller"] == "colleague"
    refused = await change(referral, made, colleague, telephone="07700 900789", safe_to_text="yes")
    assert refused.status_code == 404


async def test_link_worker_of_a_forged_handover_reads_nothing(
    referral: ReferralHarness, matching: MatchingStub
) -> None:
    body = referral_body(telephone="07700 900123")
    made = await referral.made(body)
    await referral.say(meeting(referral, made))
    forged = o.LinkWorkerChanged(referral_id=made, locality=referral.here, link_worker="lw-meir-2")
    await referral.say(forged, "casework")  # somebody wrote in our own name
    await referral.until(made, link_worker="lw-meir-2")
    worker = referral.issuer.bearer(role="link_worker", localities=[referral.here], link_worker="lw-meir-2")
    path = f"/api/referral/v1/referrals/{made}"
    assert (await referral.http.get(f"{path}/contact", headers=worker)).status_code == 404
    shown = (await referral.http.get(path, headers=worker)).json()
    assert "07700" not in str(shown)
    assert body["family_name"] not in str(shown)
    matching.link_worker = None
    try:
        assert (await referral.http.get(f"{path}/contact", headers=worker)).status_code == 503
    finally:
        matching.link_worker = "lw-meir-1"


async def test_handover_by_a_source_of_no_right_changes_nothing(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    await referral.say(meeting(referral, made))
    forged = o.LinkWorkerChanged(referral_id=made, locality=referral.here, link_worker="lw-meir-2")
    gone = o.PersonErased(referral_id=made, locality=referral.here, person_ref=new_id())
    for by in ("history", "stranger"):
        await referral.say(forged, by)
        await referral.say(gone, by)
    await referral.say(o.MeetingMissed(referral_id=made, locality=referral.here, meeting_id=new_id()))
    await referral.until(made, stage="booked", link_worker="lw-meir-1", open=True)


async def test_number_reported_as_unsafe_is_never_safe_again(referral: ReferralHarness) -> None:
    body = referral_body(telephone="07700 900123")
    made = await referral.made(body)
    by = referral.referrer()
    assert (await change(referral, made, by, telephone="07700 900123", safe_to_text="ring")).is_success
    again = await change(referral, made, by, telephone="07700 900123", safe_to_text="yes")
    assert again.status_code == 422
    assert again.json()["errors"][0]["code"] == "number_not_safe"
    assert (await change(referral, made, by, telephone="07700 900456", safe_to_text="yes")).is_success
    assert await claimed(referral, made) == {"telephone": NEW, "safe_to_text": "yes"}
    await withdraw(referral, made)
    refused = await referral.make(body)
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == ["number_not_safe"]
    assert (await referral.make(body | {"safe_to_text": "ring"})).status_code == 201


async def test_old_number_that_is_unsafe_is_refused_wherever_it_stands(referral: ReferralHarness) -> None:
    body = referral_body(telephone="07700 900123")
    first = await referral.made(body)
    await withdraw(referral, first)
    second = await referral.made(body)
    what = {"telephone": "07700 900456", "safe_to_text": "yes", "old_number_unsafe": True}
    assert (await change(referral, second, referral.referrer(), **what)).is_success
    # A message about the first referral, should one still wait, asks for the number that it was made with.
    assert await claimed(referral, first) == {"telephone": OLD, "safe_to_text": "ring"}
    assert await claimed(referral, second) == {"telephone": NEW, "safe_to_text": "yes"}


async def test_change_after_the_end_changes_nothing(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    await withdraw(referral, made)
    answer = await change(referral, made, referral.referrer(), telephone="07700 900456", safe_to_text="ring")
    assert answer.status_code == 409
    assert await claimed(referral, made) == {"telephone": OLD, "safe_to_text": "yes"}


async def test_form_with_an_error_keeps_the_input_and_then_changes(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body(telephone="07700 900123"))
    at = f"/referral/referrals/{made}"
    async with browser(referral.app, referral.cookies()) as client:
        assert f'href="{at}/contact"' in (await client.get(at)).text
        wrong = await send_form(
            client, f"{at}/contact", f"{at}/contact", {"telephone": "0770O", "safe_to_text": "yes"}
        )
        assert wrong.status_code == 422
        assert "0770O" in wrong.text
        saved = await send_form(
            client, f"{at}/contact", f"{at}/contact", {"telephone": "07700 900456", "safe_to_text": "yes"}
        )
        assert saved.headers["location"] == f"{at}?contact_changed=1"
        assert "07700 900456" in (await client.get(at)).text
        page = (await client.get(f"{at}/contact")).text
        assert "Telephone: 07700 900123, until" in page
