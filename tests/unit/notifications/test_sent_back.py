"""A referral that is sent back: one mail to the practice, and no false comfort for the person."""

from datetime import timedelta

import pytest

from services.notifications.messages.state import is_sent_back
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import FactBuilder, in_hours
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, timeline
from tests.unit.notifications.test_wording import render as in_words


def returned(referral: FactBuilder) -> o.ReferralReturned:
    return o.ReferralReturned(
        referral_id=referral.referral_id, locality=referral.locality, reason=v.ReturnReason.MORE_DETAIL
    )


def test_return_with_a_meeting_is_one_mail_to_practice() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(returned(referral), recorded=messages.now))
    messages.receive(
        referral.fact(referral.cancelled(why=v.CancelReason.REFERRAL_ENDED), recorded=messages.now)
    )
    assert is_sent_back(messages.view.history)
    messages.run_until(FAR_FUTURE)
    assert sorted(messages.sent_labels) == sorted(
        [*TO_ALL, "cancelled to person", "cancelled to link_worker", "returned to referrer"]
    )


def test_return_without_a_meeting_is_sent_to_practice() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral")])
    messages.receive(referral.fact(returned(referral), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == ["returned to referrer"]


def test_return_undone_at_once_is_not_sent() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral")])
    back = referral.fact(returned(referral), recorded=messages.now)
    messages.receive(back)
    messages.run_until(messages.now + DELAY - timedelta(seconds=1))
    messages.receive(referral.fact(referral.retracted(back), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == []


@pytest.mark.parametrize("channel", ["text", "mail"])
def test_person_after_return_is_told_who_writes_next(channel: str) -> None:
    file = f"person.cancelled.{channel}.txt"
    _, body = in_words(file, sent_back=True)
    assert "nothing you have to do" not in body
    assert "Your practice will be in touch with you." in body
    assert "would like another time" not in body
    _, otherwise = in_words(file)
    assert "There is nothing you have to do." in otherwise


def test_mail_to_practice_says_that_it_was_sent_back() -> None:
    subject, body = in_words("referrer.returned.mail.txt")
    assert subject == "Referral sent back to you: reference abcdef"
    assert "cancelled" not in body
