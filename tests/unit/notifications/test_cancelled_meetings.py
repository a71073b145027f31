"""Messages about a meeting that is off: cancelled, replaced, retracted, or not off after all."""

from datetime import timedelta

import pytest

from services.notifications.messages.message import MessageName, Recipient, Template
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.notifications.facts import MEETING, NOW, FactBuilder, in_hours, numbered_id
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, timeline


def test_cancelled_meeting_is_announced_and_not_reminded_of() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.cancelled(), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
    ]


def test_cancelled_meeting_beside_a_partners_is_not_announced() -> None:
    """A partner's meeting wins over ours. Ours is cancelled without a message: theirs is announced."""
    referral = FactBuilder()
    messages = timeline(
        [
            referral.fact(referral.created(), "referral"),
            referral.fact(referral.booked(link_worker="lw-meir-1")),
        ]
    )
    messages.run_until(in_hours(1))
    theirs = referral.booked(11, sequence=1, starts_at=in_hours(3), link_worker="lw-meir-1")
    messages.receive(referral.fact(theirs, "partner", recorded=messages.now))
    messages.receive(referral.fact(referral.cancelled(why=v.CancelReason.SLOT_TAKEN), recorded=messages.now))
    messages.run_until(in_hours(4))
    messages.receive(referral.fact(referral.attended(11), "partner", recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [*TO_ALL, *TO_ALL]


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.parametrize("moves", [1, 2])
def test_replaced_meeting_is_not_cancelled_afterwards(came: bool, moves: int) -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    for number in range(10, 10 + moves):
        sooner = referral.booked(
            number + 1, sequence=number - 9, replaces=numbered_id(number), starts_at=NOW + timedelta(hours=4)
        )
        messages.receive(
            referral.fact(referral.cancelled(number, v.CancelReason.LINK_WORKER_AWAY), recorded=messages.now),
            referral.fact(sooner, recorded=messages.now),
        )
        messages.run_until(messages.now + timedelta(hours=1))
    last = 10 + moves
    messages.run_until(in_hours(5))
    messages.receive(
        referral.fact(referral.attended(last) if came else referral.missed(last), recorded=messages.now)
    )
    messages.run_until(FAR_FUTURE)
    assert [told for told in messages.sent_labels if told.startswith("cancelled")] == []


def test_retracted_booking_is_announced_as_a_cancellation() -> None:
    referral = FactBuilder()
    booking = referral.fact(referral.booked(), "partner")
    messages = timeline([referral.fact(referral.created(), "referral"), booking])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.retracted(booking), "partner", recorded=messages.now))
    messages.run_until(in_hours(2))
    messages.receive(referral.fact(referral.booked(11), recorded=messages.now))
    messages.run_until(in_hours(3))
    assert messages.sent_labels == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
        *TO_ALL,
    ]


def test_retracted_booking_with_a_second_source_stands() -> None:
    referral = FactBuilder()
    booking = referral.fact(referral.booked(), "partner")
    messages = timeline(
        [referral.fact(referral.created(), "referral"), booking, referral.fact(referral.booked())]
    )
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.retracted(booking), "partner", recorded=messages.now))
    messages.run_until(in_hours(2))
    assert messages.sent_labels == TO_ALL


@pytest.mark.parametrize("told_off", [True, False])
@pytest.mark.parametrize("replaces", [None, numbered_id(9)])
def test_retracted_cancellation_is_corrected(told_off: bool, replaces: str | None) -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked(replaces=replaces))]
    )
    messages.run_until(in_hours(1))
    cancelled = referral.fact(referral.cancelled(), recorded=messages.now)
    messages.receive(cancelled)
    messages.run_until(in_hours(26) if told_off else messages.now + DELAY / 2)
    messages.receive(referral.fact(referral.retracted(cancelled), recorded=messages.now))
    messages.run_until(in_hours(28))
    heard = [name.template for name, _ in messages.sent if name.recipient is Recipient.PERSON]
    assert len(heard) == (3 if told_off else 1)
    assert (Template.CANCELLED in heard) is told_off
    assert heard[-1] in (Template.BOOKED, Template.REBOOKED)


def test_link_worker_who_loses_a_meeting_is_told() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    other = referral.booked(11, sequence=1, replaces=numbered_id(10), link_worker="lw-meir-2")
    messages.receive(referral.fact(other, recorded=messages.now))
    messages.run_until(in_hours(2))
    off = [name for name, _ in messages.sent if name.template is Template.CANCELLED]
    assert off == [MessageName(Template.CANCELLED, Recipient.LINK_WORKER, numbered_id(10))]


def test_cancelled_later_meeting_is_announced_beside_earlier() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.booked(11, sequence=1), recorded=messages.now))
    messages.run_until(in_hours(2))
    messages.receive(referral.fact(referral.cancelled(11), recorded=messages.now))
    messages.run_until(in_hours(3))
    off = [name for name, _ in messages.sent if name.template is Template.CANCELLED]
    assert off == [
        MessageName(Template.CANCELLED, recipient, numbered_id(11))
        for recipient in (Recipient.PERSON, Recipient.LINK_WORKER, Recipient.REFERRER)
    ]


def test_cancelled_further_meeting_is_announced() -> None:
    referral = FactBuilder(now=MEETING + timedelta(days=1))
    messages = timeline(
        [
            referral.fact(referral.created(), "referral"),
            referral.fact(referral.booked(), recorded=NOW),
            referral.fact(referral.booked(11, sequence=1, starts_at=MEETING + timedelta(days=7))),
        ],
        referral.now,
    )
    messages.run_until(referral.now + timedelta(hours=1))
    messages.receive(referral.fact(referral.cancelled(11), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [
        *TO_ALL,
        "cancelled to person",
        "cancelled to link_worker",
        "cancelled to referrer",
    ]


@pytest.mark.parametrize("hours_later", [0, 30])
def test_person_whose_link_worker_and_time_change_is_told_once(hours_later: int) -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    told = len(messages.sent_labels)
    anew = referral.booked(
        11,
        sequence=1,
        replaces=numbered_id(10),
        link_worker="lw-meir-2",
        starts_at=referral.booked().starts_at + timedelta(hours=hours_later),
    )
    changed = o.LinkWorkerChanged(
        referral_id=anew.referral_id, locality=anew.locality, link_worker="lw-meir-2"
    )
    messages.receive(
        referral.fact(changed, recorded=messages.now), referral.fact(anew, recorded=messages.now)
    )
    messages.run_until(in_hours(2))
    said = messages.sent_labels[told:]
    assert said.count("rebooked to person") == 1
    assert [label for label in said if label.endswith("to person")] == ["rebooked to person"]
