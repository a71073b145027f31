"""A referral that is sent back: one mail to the practice, and no false comfort to the person."""

from datetime import timedelta

import pytest

from services.notifications.messages.state import is_sent_back
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import FactBuilder, in_hours
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, timeline
from tests.unit.notifications.test_wording import say as in_words


def returned(say: FactBuilder) -> o.ReferralReturned:
    return o.ReferralReturned(
        referral_id=say.referral_id, locality=say.locality, reason=v.ReturnReason.MORE_DETAIL
    )


def test_return_with_a_meeting_is_one_mail_to_practice() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(returned(say), recorded=messages.now))
    messages.hear(say.fact(say.cancelled(why=v.CancelReason.REFERRAL_ENDED), recorded=messages.now))
    assert is_sent_back(messages.view.history)
    messages.until(FAR_FUTURE)
    assert sorted(messages.told) == sorted(
        [*TO_ALL, "cancelled to person", "cancelled to link_worker", "returned to referrer"]
    )


def test_return_without_a_meeting_is_sent_to_practice() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral")])
    messages.hear(say.fact(returned(say), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == ["returned to referrer"]


def test_return_undone_at_once_is_not_sent() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral")])
    back = say.fact(returned(say), recorded=messages.now)
    messages.hear(back)
    messages.until(messages.now + DELAY - timedelta(seconds=1))
    messages.hear(say.fact(say.retracted(back), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == []


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
