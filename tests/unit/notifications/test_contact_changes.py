"""A change of "safe to text" applies at once to messages that wait, in both directions."""

import pytest

from services.notifications.messages.state import may_write_to_person
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import NOW, FactBuilder, in_hours
from tests.harness.notifications.message_timeline import FAR_FUTURE, TO_ALL, timeline


def changed(referral: FactBuilder, contact: v.SafeToText) -> o.ContactChanged:
    return o.ContactChanged(referral_id=referral.referral_id, locality=referral.locality, contact=contact)


@pytest.mark.parametrize("now", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
def test_waiting_message_is_not_sent_after_a_no(now: v.SafeToText) -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.receive(referral.fact(changed(referral, now), "referral", recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert "booked to person" not in messages.sent_labels
    assert "reminder to person" not in messages.sent_labels
    assert {"booked to link_worker", "booked to referrer"} <= set(messages.sent_labels)


def test_reminder_is_not_sent_after_a_no() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    assert sorted(messages.sent_labels) == sorted(TO_ALL)
    messages.receive(referral.fact(changed(referral, v.SafeToText.RING), "referral", recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert sorted(messages.sent_labels) == sorted(TO_ALL)


def test_booking_is_announced_after_a_later_yes() -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(v.SafeToText.RING), "referral"), referral.fact(referral.booked())]
    )
    messages.receive(referral.fact(changed(referral, v.SafeToText.YES), "referral", recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert "booked to person" in messages.sent_labels


def test_contradictory_contact_is_not_safe() -> None:
    referral = FactBuilder()
    facts = [
        referral.fact(referral.created(), "referral"),
        referral.fact(changed(referral, v.SafeToText.YES), "referral", recorded=NOW),
        referral.fact(changed(referral, v.SafeToText.RING), "referral", recorded=NOW),
    ]
    assert not may_write_to_person(timeline(facts).view.history)
    taken_back = referral.fact(referral.retracted(facts[2]), "referral")
    assert may_write_to_person(timeline([*facts, taken_back]).view.history)
