"""Logs and metrics while a person is referred, found, claimed and refused hold codes, no identity."""

import logging
from datetime import timedelta

import pytest

from services.referral.collections import IS_UNANSWERED
from services.referral.tracking.waiting import Speaks, observe
from shared.contract.events.outcomes import MeetingWaiting
from shared.contract.events.vocabulary import WaitingReason
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform import metrics
from tests.harness.referral.people import form_fields, referral_body
from tests.harness.referral.running import ReferralHarness
from tests.harness.web.forms import browser, send_form
from tests.integration.referral.test_claims import claim
from tests.integration.referral.test_erasure import identity_of


async def test_log_names_no_person(referral: ReferralHarness, caplog: pytest.LogCaptureFixture) -> None:
    body = referral_body(
        family_name="Throckmorton", reason="Owes the milkman", risk="see_note", risk_line="Icy steps"
    )
    with caplog.at_level(logging.DEBUG):
        made = await referral.made(body)
        await referral.make(body | {"nhs_number": "9990000019"})
        await referral.make(body)
        await claim(referral, made, fields=["name", "telephone", "risk"])
        await referral.http.get(f"/api/referral/v1/referrals/{made}", headers=referral.referrer())
        async with browser(referral.app, referral.cookies()) as client:
            await send_form(client, "/referral/new", "/referral/new/find", form_fields(body))
            await send_form(client, "/referral/new", "/referral/new", form_fields(body))
            await client.get("/referral/")
    ours = [record for record in caplog.records if record.name.startswith(("linkwork", "services", "shared"))]
    written = " ".join(f"{record.getMessage()} {vars(record)}" for record in ours)

    assert "find_person" in written
    for text in identity_of(body):
        assert text.decode() not in written


def ours(_: str) -> bool:
    return True


async def test_waiting_referrals_are_counted_by_locality(referral: ReferralHarness) -> None:
    await referral.made(referral_body())
    await observe(referral.mongo, [referral.here, "nowhere"], ours, referral.context.kernel.clock)

    shown = (await referral.http.get("/metrics")).text

    assert f'linkwork_referrals_waiting{{locality="{referral.here}"}}' in shown
    assert 'linkwork_referral_waiting_oldest_seconds{locality="nowhere"} 0.0' in shown


async def test_unanswered_referrals_are_counted_whoever_owns_booking(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    later = referral.context.kernel.clock() + timedelta(minutes=11)

    async def figures(speaks: Speaks = ours) -> tuple[float, float]:
        await observe(referral.mongo, [referral.here, "nowhere"], speaks, lambda: later)
        gauges = (metrics.referrals_unanswered, metrics.referral_unanswered_oldest)
        count, oldest = (gauge.labels(referral.here)._value.get() for gauge in gauges)
        return count, oldest

    count, oldest = await figures()
    assert count >= 1
    assert oldest >= 660
    # Referral's owner tells it.
    assert await figures(lambda _: False) == (0, 0)
    plan = await referral.mongo[REFERRALS].find(IS_UNANSWERED | {"locality": referral.here}).explain()
    assert "view.unanswered" in str(plan["queryPlanner"]["winningPlan"])
    reason = MeetingWaiting(
        referral_id=made,
        locality=referral.here,
        reason=WaitingReason.NO_SLOT,
        expected_by=later.date() + timedelta(days=7),
    )
    await referral.say(reason)
    await referral.until(made, unanswered=None)
    assert (await figures())[0] == count - 1
