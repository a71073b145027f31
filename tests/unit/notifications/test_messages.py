"""Messages that a referral calls for, and their times."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notifications.messages.message import MessageName, Recipient, Template
from services.notifications.messages.policy import is_reminder
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.history.model import ReferralHistory
from shared.delivery.model.decision import TaskRow
from tests.harness.notifications.facts import MEETING, NOW, FactBuilder, in_hours, numbered_id
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, MessageTimeline, timeline


def test_booked_meeting_is_announced_and_reminded_of() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [*TO_ALL, "reminder to person"]
    assert messages.sent[-1][1] == datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def test_news_before_our_ownership_is_the_former_owners() -> None:
    """Its reminders pass over to us; what is said later is ours to tell."""
    referral = FactBuilder()
    first = [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())]
    messages = MessageTimeline(now=NOW + timedelta(minutes=5), ours_since=NOW + timedelta(minutes=1))
    messages.receive(*first)
    assert [MessageName.parse(each).template for each in messages.scheduled] == [Template.REMINDER]
    ours = MessageTimeline(now=NOW + timedelta(minutes=5), ours_since=NOW)
    ours.receive(*first)
    assert len(ours.scheduled) == len(TO_ALL) + 1


def test_reminders_alone_pass_over_to_another_owner() -> None:
    names = [MessageName(template, Recipient.PERSON, "m") for template in Template]
    rows = [TaskRow("message", str(name), NOW, {}) for name in names]
    passing = [name.template for name, row in zip(names, rows, strict=True) if is_reminder(row)]
    assert passing == [Template.REMINDER]


def test_booking_by_a_fast_clock_is_not_delayed() -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())],
        NOW + timedelta(hours=1),
    )
    booked = [row.at for name, row in messages.rows.items() if name.startswith("booked.")]
    assert len(booked) == 3
    assert max(booked) <= NOW + DELAY


def test_reminder_in_summer_is_at_ten_london_time() -> None:
    referral = FactBuilder(now=datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    meeting = referral.booked(starts_at=datetime(2026, 7, 8, 9, 0, tzinfo=UTC))
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(meeting)], referral.now)
    messages.run_until(FAR_FUTURE)
    assert messages.sent[-1][1] == datetime(2026, 7, 7, 9, 0, tzinfo=UTC)


def test_reminder_on_the_day_of_booking_is_not_sent() -> None:
    referral = FactBuilder(now=datetime(2026, 11, 29, 8, 30, tzinfo=UTC))
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())], referral.now
    )
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == TO_ALL


def test_reminder_after_a_booking_at_night_is_not_sent() -> None:
    referral = FactBuilder(now=datetime(2026, 11, 28, 21, 0, tzinfo=UTC))
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())], referral.now
    )
    messages.run_until(FAR_FUTURE)
    person = [(name.template, at) for name, at in messages.sent if name.recipient is Recipient.PERSON]
    assert person == [(Template.BOOKED, datetime(2026, 11, 29, 8, 0, tzinfo=UTC))]


@pytest.mark.parametrize("contact", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
def test_person_without_a_yes_gets_nothing(contact: v.SafeToText) -> None:
    referral = FactBuilder()
    messages = timeline(
        [
            referral.fact(referral.created(contact), "referral"),
            referral.fact(referral.waiting()),
            referral.fact(referral.booked()),
        ]
    )
    messages.run_until(MEETING - timedelta(hours=1))
    messages.receive(referral.fact(referral.cancelled(), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels
    assert not [told for told in messages.sent_labels if told.endswith("person")]


def test_no_message_is_scheduled_before_creation() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.booked())])
    assert messages.rows == {}
    messages.receive(referral.fact(referral.created(), "referral"))
    messages.run_until(in_hours(1))
    assert messages.sent_labels == TO_ALL


def test_meeting_changed_before_sending_is_announced_once() -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked(provisional=True))]
    )
    messages.run_until(NOW + timedelta(seconds=20))
    assert messages.sent_labels == []
    messages.receive(referral.fact(referral.booked(11, sequence=1, replaces=numbered_id(10))))
    messages.run_until(in_hours(1))
    assert messages.sent_labels == ["rebooked to person", "rebooked to link_worker", "rebooked to referrer"]


def test_rebooked_meeting_is_one_message() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    # The cancellation and its replacement may arrive in any order and in separate batches.
    messages.receive(
        referral.fact(referral.cancelled(why=v.CancelReason.ANOTHER_TIME), recorded=messages.now)
    )
    messages.receive(
        referral.fact(referral.booked(11, sequence=1, replaces=numbered_id(10)), recorded=messages.now)
    )
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [
        *TO_ALL,
        "rebooked to person",
        "rebooked to link_worker",
        "rebooked to referrer",
        "reminder to person",
    ]


def test_meeting_after_an_attended_one_is_a_booked_one() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.attended(), recorded=messages.now))
    messages.receive(referral.fact(referral.booked(11, sequence=1), recorded=messages.now))
    messages.run_until(in_hours(2))
    assert messages.sent_labels == [*TO_ALL, *TO_ALL]


@pytest.mark.parametrize(
    ("hour", "told_at"),
    [
        (19, datetime(2026, 11, 24, 19, 0, tzinfo=UTC)),
        (20, datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
        (23, datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
        (24 + 3, datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
        (24 + 8, datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
    ],
)
def test_quiet_hours_delay_messages_to_the_person(hour: int, told_at: datetime) -> None:
    referral = FactBuilder(now=datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour))
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())], referral.now
    )
    messages.run_until(referral.now + timedelta(hours=24))
    at = {name.recipient: at for name, at in messages.sent}
    assert at[Recipient.PERSON] == told_at
    assert at[Recipient.LINK_WORKER] == at[Recipient.REFERRER] == referral.now


def test_meeting_within_quiet_hours_is_not_announced_late() -> None:
    referral = FactBuilder(now=datetime(2026, 11, 29, 21, 0, tzinfo=UTC))
    early = referral.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(early)], referral.now)
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == ["booked to link_worker", "booked to referrer"]


def test_meeting_before_morning_is_not_scheduled_at_night() -> None:
    referral = FactBuilder(now=datetime(2026, 11, 29, 18, 0, tzinfo=UTC))
    early = referral.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(early)],
        referral.now + timedelta(hours=3),
    )
    assert {MessageName.parse(name).recipient for name in messages.scheduled} == {
        Recipient.LINK_WORKER,
        Recipient.REFERRER,
    }


def test_old_news_of_a_future_meeting_is_not_sent() -> None:
    referral = FactBuilder()
    history = [
        referral.fact(referral.created(), "referral"),
        referral.fact(referral.waiting()),
        referral.fact(referral.booked()),
        referral.fact(referral.prescribed()),
    ]
    messages = timeline(history, NOW + timedelta(hours=24, seconds=1))
    messages.run_until(FAR_FUTURE)
    assert messages.scheduled == []


def test_past_meeting_is_not_announced() -> None:
    referral = FactBuilder(now=MEETING + timedelta(minutes=1))
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.booked())], referral.now
    )
    messages.run_until(FAR_FUTURE)
    assert messages.scheduled == []


def test_service_is_asked_once_unless_signposted() -> None:
    referral = FactBuilder()
    messages = timeline(
        [
            referral.fact(referral.created(), "referral"),
            referral.fact(referral.prescribed(20)),
            referral.fact(referral.prescribed(21, signposted=True)),
        ]
    )
    messages.run_until(FAR_FUTURE)
    assert [name for name, _ in messages.sent] == [
        MessageName(Template.ASKED, Recipient.SERVICE, numbered_id(20))
    ]


def test_service_that_has_replied_is_not_asked() -> None:
    referral = FactBuilder()
    said = [referral.created(), referral.prescribed(), referral.replied()]
    assert timeline([referral.fact(body) for body in said]).scheduled == []


def test_no_appointment_yet_is_sent_once_a_promised_day() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.waiting())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.waiting()))
    messages.receive(referral.fact(referral.waiting(date(2026, 12, 8)), recorded=messages.now))
    messages.run_until(in_hours(2))
    assert messages.sent_labels == ["no_appointment_yet to person"] * 2
    assert [name.about for name, _ in messages.sent] == ["2026-12-01", "2026-12-08"]


def test_no_appointment_yet_is_dropped_after_a_booking() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.waiting())])
    messages.receive(referral.fact(referral.booked(), recorded=NOW + timedelta(seconds=1)))
    messages.run_until(in_hours(1))
    assert messages.sent_labels == TO_ALL


@pytest.mark.parametrize("reason", [v.WaitingReason.PERSON_NOT_REACHED, v.WaitingReason.ASKED_LATER])
def test_waiting_for_other_reasons_gets_no_promise(reason: v.WaitingReason) -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(), "referral"), referral.fact(referral.waiting(reason=reason))]
    )
    assert messages.scheduled == []


def test_waiting_reason_before_last_booking_is_not_sent() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.waiting())])
    messages.receive(referral.fact(referral.booked(), recorded=NOW + timedelta(minutes=1)))
    messages.receive(referral.fact(referral.cancelled(), recorded=NOW + timedelta(minutes=2)))
    messages.run_until(in_hours(1))
    assert "no_appointment_yet to person" not in messages.sent_labels


def test_no_appointment_yet_is_not_sent_by_a_slow_clock() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.waiting())])
    behind = timedelta(hours=-1)
    messages.receive(referral.fact(referral.booked(starts_at=in_hours(2)), "partner", recorded=NOW + behind))
    messages.run_until(in_hours(3))
    messages.receive(referral.fact(referral.attended(), "partner", recorded=messages.now + behind))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == TO_ALL


@pytest.mark.parametrize(
    ("ending", "person_hears"),
    [
        (v.CloseReason.NO_LONGER_WANTS, True),
        (v.CloseReason.DIED, False),
    ],
)
def test_cancellation_after_death_is_not_sent_to_person(ending: v.CloseReason, person_hears: bool) -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    end: list[EventBody] = [referral.closed(ending), referral.cancelled(why=v.CancelReason.REFERRAL_ENDED)]
    messages.receive(*(referral.fact(body, recorded=messages.now) for body in end))
    messages.run_until(FAR_FUTURE)
    assert ("cancelled to person" in messages.sent_labels) is person_hears
    assert "cancelled to link_worker" in messages.sent_labels


def test_cancellation_after_erasure_goes_to_link_worker_only() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    messages.receive(referral.fact(referral.erased(), recorded=messages.now))
    messages.receive(referral.fact(referral.cancelled(), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [*TO_ALL, "cancelled to link_worker"]


def test_reminder_after_retracted_closing_is_sent() -> None:
    referral = FactBuilder()
    messages = timeline([referral.fact(referral.created(), "referral"), referral.fact(referral.booked())])
    messages.run_until(in_hours(1))
    closed = referral.fact(referral.closed(), recorded=messages.now)
    messages.receive(closed)
    messages.run_until(in_hours(2))
    messages.receive(referral.fact(referral.retracted(closed), recorded=messages.now))
    messages.run_until(FAR_FUTURE)
    assert messages.sent_labels == [*TO_ALL, "reminder to person"]


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (v.Route.CARE_NAVIGATOR, True),
        (v.Route.HUB, True),
        (v.Route.SELF, False),
        (v.Route.COUNCIL, False),
        (v.Route.HOSPITAL, False),
    ],
)
def test_referrer_without_known_mailbox_is_not_told(route: v.Route, told: bool) -> None:
    referral = FactBuilder()
    messages = timeline(
        [referral.fact(referral.created(route=route), "referral"), referral.fact(referral.booked())]
    )
    messages.run_until(in_hours(1))
    assert ("booked to referrer" in messages.sent_labels) is told


def test_message_name_survives_parsing() -> None:
    name = MessageName(Template.NO_APPOINTMENT_YET, Recipient.PERSON, "2026-12-01")
    assert MessageName.parse(str(name)) == name
    with pytest.raises(ValueError, match="nobody"):
        MessageName.parse("booked.nobody.10")


def test_no_facts_call_for_no_messages() -> None:
    assert MessageTimeline().view.history.folded().items() <= ReferralHistory().folded().items()
    assert MessageTimeline().view.messages == ()
