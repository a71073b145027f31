"""What is told of a meeting that is off: cancelled, replaced, taken back, or not off after all."""

from datetime import timedelta

import pytest

from services.notifications.messages.message import MessageName, Recipient, Template
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import MEETING, NOW, FactBuilder, in_hours, numbered_id
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, timeline


def test_cancelled_meeting_is_announced_and_not_reminded_of() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.cancelled(), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
    ]


def test_cancelled_meeting_beside_a_partners_is_not_announced() -> None:
    """A partner's beside ours: it wins, and ours is cancelled without a word, as theirs is the news."""
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked(link_worker="lw-meir-1"))])
    messages.until(in_hours(1))
    theirs = say.booked(11, sequence=1, starts_at=in_hours(3), link_worker="lw-meir-1")
    messages.hear(say.fact(theirs, "partner", recorded=messages.now))
    messages.hear(say.fact(say.cancelled(why=v.CancelReason.SLOT_TAKEN), recorded=messages.now))
    messages.until(in_hours(4))
    messages.hear(say.fact(say.attended(11), "partner", recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, *TO_ALL]


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.parametrize("moves", [1, 2])
def test_replaced_meeting_is_not_cancelled_afterwards(came: bool, moves: int) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    for number in range(10, 10 + moves):
        sooner = say.booked(
            number + 1, sequence=number - 9, replaces=numbered_id(number), starts_at=NOW + timedelta(hours=4)
        )
        messages.hear(
            say.fact(say.cancelled(number, v.CancelReason.LINK_WORKER_AWAY), recorded=messages.now),
            say.fact(sooner, recorded=messages.now),
        )
        messages.until(messages.now + timedelta(hours=1))
    last = 10 + moves
    messages.until(in_hours(5))
    messages.hear(say.fact(say.attended(last) if came else say.missed(last), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert [told for told in messages.told if told.startswith("cancelled")] == []


def test_retracted_booking_is_announced_as_a_cancellation() -> None:
    say = FactBuilder()
    booking = say.fact(say.booked(), "partner")
    messages = timeline([say.fact(say.created(), "referral"), booking])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.retracted(booking), "partner", recorded=messages.now))
    messages.until(in_hours(2))
    messages.hear(say.fact(say.booked(11), recorded=messages.now))
    messages.until(in_hours(3))
    assert messages.told == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
        *TO_ALL,
    ]


def test_retracted_booking_with_a_second_source_stands() -> None:
    say = FactBuilder()
    booking = say.fact(say.booked(), "partner")
    messages = timeline([say.fact(say.created(), "referral"), booking, say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.retracted(booking), "partner", recorded=messages.now))
    messages.until(in_hours(2))
    assert messages.told == TO_ALL


@pytest.mark.parametrize("told_off", [True, False])
@pytest.mark.parametrize("replaces", [None, numbered_id(9)])
def test_retracted_cancellation_is_corrected(told_off: bool, replaces: str | None) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked(replaces=replaces))])
    messages.until(in_hours(1))
    cancelled = say.fact(say.cancelled(), recorded=messages.now)
    messages.hear(cancelled)
    messages.until(in_hours(26) if told_off else messages.now + DELAY / 2)
    messages.hear(say.fact(say.retracted(cancelled), recorded=messages.now))
    messages.until(in_hours(28))
    heard = [name.template for name, _ in messages.sent if name.recipient is Recipient.PERSON]
    assert len(heard) == (3 if told_off else 1)
    assert (Template.CANCELLED in heard) is told_off
    assert heard[-1] in (Template.BOOKED, Template.REBOOKED)


def test_link_worker_who_loses_a_meeting_is_told() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    other = say.booked(11, sequence=1, replaces=numbered_id(10), link_worker="lw-meir-2")
    messages.hear(say.fact(other, recorded=messages.now))
    messages.until(in_hours(2))
    off = [name for name, _ in messages.sent if name.template is Template.CANCELLED]
    assert off == [MessageName(Template.CANCELLED, Recipient.LINK_WORKER, numbered_id(10))]


def test_cancelled_later_meeting_is_announced_beside_earlier() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.booked(11, sequence=1), recorded=messages.now))
    messages.until(in_hours(2))
    messages.hear(say.fact(say.cancelled(11), recorded=messages.now))
    messages.until(in_hours(3))
    off = [name for name, _ in messages.sent if name.template is Template.CANCELLED]
    assert off == [
        MessageName(Template.CANCELLED, recipient, numbered_id(11))
        for recipient in (Recipient.PERSON, Recipient.LINK_WORKER, Recipient.REFERRER)
    ]


def test_cancelled_further_meeting_is_announced() -> None:
    say = FactBuilder(now=MEETING + timedelta(days=1))
    messages = timeline(
        [
            say.fact(say.created(), "referral"),
            say.fact(say.booked(), recorded=NOW),
            say.fact(say.booked(11, sequence=1, starts_at=MEETING + timedelta(days=7))),
        ],
        say.now,
    )
    messages.until(say.now + timedelta(hours=1))
    messages.hear(say.fact(say.cancelled(11), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
    ]
