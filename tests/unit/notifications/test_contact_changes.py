"""Safe to text, changed while messages wait: those not yet sent obey at once, in both directions."""

import pytest

from services.notifications.messages.state import may_write_to_person
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import NOW, FactBuilder, in_hours
from tests.harness.notifications.message_timeline import FAR_FUTURE, TO_ALL, timeline


def changed(say: FactBuilder, contact: v.SafeToText) -> o.ContactChanged:
    return o.ContactChanged(referral_id=say.referral_id, locality=say.locality, contact=contact)


@pytest.mark.parametrize("now", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
def test_waiting_message_is_not_sent_after_a_no(now: v.SafeToText) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.hear(say.fact(changed(say, now), "referral", recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert "booked to person" not in messages.told
    assert "reminder to person" not in messages.told
    assert {"booked to link_worker", "booked to referrer"} <= set(messages.told)


def test_reminder_is_not_sent_after_a_no() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    assert sorted(messages.told) == sorted(TO_ALL)
    messages.hear(say.fact(changed(say, v.SafeToText.RING), "referral", recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert sorted(messages.told) == sorted(TO_ALL)


def test_booking_is_announced_after_a_later_yes() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(v.SafeToText.RING), "referral"), say.fact(say.booked())])
    messages.hear(say.fact(changed(say, v.SafeToText.YES), "referral", recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert "booked to person" in messages.told


def test_contradictory_contact_is_not_safe() -> None:
    say = FactBuilder()
    facts = [
        say.fact(say.created(), "referral"),
        say.fact(changed(say, v.SafeToText.YES), "referral", recorded=NOW),
        say.fact(changed(say, v.SafeToText.RING), "referral", recorded=NOW),
    ]
    assert not may_write_to_person(timeline(facts).view.history)
    taken_back = say.fact(say.retracted(facts[2]), "referral")
    assert may_write_to_person(timeline([*facts, taken_back]).view.history)
