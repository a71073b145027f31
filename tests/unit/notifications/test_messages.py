"""Which messages a story calls for, and when each is sent."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notifications.messages.message import MessageName, Recipient, Template
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.history.model import ReferralHistory
from tests.harness.notifications.facts import MEETING, NOW, FactBuilder, in_hours, numbered_id
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, MessageTimeline, timeline


def test_booked_meeting_is_announced_and_reminded_of() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, "reminder to person"]
    assert messages.sent[-1][1] == datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def test_booking_by_a_fast_clock_is_not_delayed() -> None:
    say = FactBuilder()
    messages = timeline(
        [say.fact(say.created(), "referral"), say.fact(say.booked())], NOW + timedelta(hours=1)
    )
    booked = [row.at for name, row in messages.rows.items() if name.startswith("booked.")]
    assert len(booked) == 3
    assert max(booked) <= NOW + DELAY


def test_reminder_in_summer_is_at_ten_london_time() -> None:
    say = FactBuilder(now=datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    meeting = say.booked(starts_at=datetime(2026, 7, 8, 9, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(meeting)], say.now)
    messages.until(FAR_FUTURE)
    assert messages.sent[-1][1] == datetime(2026, 7, 7, 9, 0, tzinfo=UTC)


def test_reminder_on_the_day_of_booking_is_not_sent() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 8, 30, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    assert messages.told == TO_ALL


def test_reminder_after_a_booking_at_night_is_not_sent() -> None:
    say = FactBuilder(now=datetime(2026, 11, 28, 21, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    person = [(name.template, at) for name, at in messages.sent if name.recipient is Recipient.PERSON]
    assert person == [(Template.BOOKED, datetime(2026, 11, 29, 8, 0, tzinfo=UTC))]


@pytest.mark.parametrize("contact", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
def test_person_without_a_yes_gets_nothing(contact: v.SafeToText) -> None:
    say = FactBuilder()
    messages = timeline(
        [say.fact(say.created(contact), "referral"), say.fact(say.waiting()), say.fact(say.booked())]
    )
    messages.until(MEETING - timedelta(hours=1))
    messages.hear(say.fact(say.cancelled(), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told
    assert not [told for told in messages.told if told.endswith("person")]


def test_no_message_is_scheduled_before_creation() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.booked())])
    assert messages.rows == {}
    messages.hear(say.fact(say.created(), "referral"))
    messages.until(in_hours(1))
    assert messages.told == TO_ALL


def test_meeting_changed_before_sending_is_announced_once() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked(provisional=True))])
    messages.until(NOW + timedelta(seconds=20))
    assert messages.told == []
    messages.hear(say.fact(say.booked(11, sequence=1, replaces=numbered_id(10))))
    messages.until(in_hours(1))
    assert messages.told == ["rebooked to person", "rebooked to link_worker", "rebooked to referrer"]


def test_rebooked_meeting_is_one_message() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    # The cancellation and its replacement may come in any order and in batches of their own.
    messages.hear(say.fact(say.cancelled(why=v.CancelReason.ANOTHER_TIME), recorded=messages.now))
    messages.hear(say.fact(say.booked(11, sequence=1, replaces=numbered_id(10)), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [
        *TO_ALL,
        "rebooked to person",
        "rebooked to link_worker",
        "rebooked to referrer",
        "reminder to person",
    ]


def test_meeting_after_an_attended_one_is_a_booked_one() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.attended(), recorded=messages.now))
    messages.hear(say.fact(say.booked(11, sequence=1), recorded=messages.now))
    messages.until(in_hours(2))
    assert messages.told == [*TO_ALL, *TO_ALL]


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
    say = FactBuilder(now=datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(say.now + timedelta(hours=24))
    at = {name.recipient: at for name, at in messages.sent}
    assert at[Recipient.PERSON] == told_at
    assert at[Recipient.LINK_WORKER] == at[Recipient.REFERRER] == say.now


def test_meeting_within_quiet_hours_is_not_announced_late() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 21, 0, tzinfo=UTC))
    early = say.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(early)], say.now)
    messages.until(FAR_FUTURE)
    assert messages.told == ["booked to link_worker", "booked to referrer"]


def test_meeting_before_morning_is_not_scheduled_at_night() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 18, 0, tzinfo=UTC))
    early = say.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(early)], say.now + timedelta(hours=3))
    assert {MessageName.parse(name).recipient for name in messages.asked} == {
        Recipient.LINK_WORKER,
        Recipient.REFERRER,
    }


def test_old_news_of_a_future_meeting_is_not_sent() -> None:
    say = FactBuilder()
    history = [
        say.fact(say.created(), "referral"),
        say.fact(say.waiting()),
        say.fact(say.booked()),
        say.fact(say.prescribed()),
    ]
    messages = timeline(history, NOW + timedelta(hours=24, seconds=1))
    messages.until(FAR_FUTURE)
    assert messages.asked == []


def test_past_meeting_is_not_announced() -> None:
    say = FactBuilder(now=MEETING + timedelta(minutes=1))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    assert messages.asked == []


def test_service_is_asked_once_unless_signposted() -> None:
    say = FactBuilder()
    messages = timeline(
        [
            say.fact(say.created(), "referral"),
            say.fact(say.prescribed(20)),
            say.fact(say.prescribed(21, signposted=True)),
        ]
    )
    messages.until(FAR_FUTURE)
    assert [name for name, _ in messages.sent] == [
        MessageName(Template.ASKED, Recipient.SERVICE, numbered_id(20))
    ]


def test_service_that_has_replied_is_not_asked() -> None:
    say = FactBuilder()
    said = [say.created(), say.prescribed(), say.replied()]
    assert timeline([say.fact(body) for body in said]).asked == []


def test_no_appointment_yet_is_sent_once_a_promised_day() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.waiting()))
    messages.hear(say.fact(say.waiting(date(2026, 12, 8)), recorded=messages.now))
    messages.until(in_hours(2))
    assert messages.told == ["no_appointment_yet to person"] * 2
    assert [name.about for name, _ in messages.sent] == ["2026-12-01", "2026-12-08"]


def test_no_appointment_yet_is_dropped_after_a_booking() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.hear(say.fact(say.booked(), recorded=NOW + timedelta(seconds=1)))
    messages.until(in_hours(1))
    assert messages.told == TO_ALL


@pytest.mark.parametrize("reason", [v.WaitingReason.PERSON_NOT_REACHED, v.WaitingReason.ASKED_LATER])
def test_waiting_for_other_reasons_gets_no_promise(reason: v.WaitingReason) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting(reason=reason))])
    assert messages.asked == []


def test_waiting_reason_before_last_booking_is_not_sent() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.hear(say.fact(say.booked(), recorded=NOW + timedelta(minutes=1)))
    messages.hear(say.fact(say.cancelled(), recorded=NOW + timedelta(minutes=2)))
    messages.until(in_hours(1))
    assert "no_appointment_yet to person" not in messages.told


def test_no_appointment_yet_is_not_sent_by_a_slow_clock() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    behind = timedelta(hours=-1)
    messages.hear(say.fact(say.booked(starts_at=in_hours(2)), "partner", recorded=NOW + behind))
    messages.until(in_hours(3))
    messages.hear(say.fact(say.attended(), "partner", recorded=messages.now + behind))
    messages.until(FAR_FUTURE)
    assert messages.told == TO_ALL


@pytest.mark.parametrize(
    ("ending", "person_hears"),
    [
        (v.CloseReason.NO_LONGER_WANTS, True),
        (v.CloseReason.DIED, False),
    ],
)
def test_cancellation_after_death_is_not_sent_to_person(ending: v.CloseReason, person_hears: bool) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    end: list[EventBody] = [say.closed(ending), say.cancelled(why=v.CancelReason.REFERRAL_ENDED)]
    messages.hear(*(say.fact(body, recorded=messages.now) for body in end))
    messages.until(FAR_FUTURE)
    assert ("cancelled to person" in messages.told) is person_hears
    assert "cancelled to link_worker" in messages.told


def test_cancellation_after_erasure_goes_to_link_worker_only() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.erased(), recorded=messages.now))
    messages.hear(say.fact(say.cancelled(), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, "cancelled to link_worker"]


def test_reminder_after_retracted_closing_is_sent() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    closed = say.fact(say.closed(), recorded=messages.now)
    messages.hear(closed)
    messages.until(in_hours(2))
    messages.hear(say.fact(say.retracted(closed), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, "reminder to person"]


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
    say = FactBuilder()
    messages = timeline([say.fact(say.created(route=route), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    assert ("booked to referrer" in messages.told) is told


def test_message_name_survives_parsing() -> None:
    name = MessageName(Template.NO_APPOINTMENT_YET, Recipient.PERSON, "2026-12-01")
    assert MessageName.parse(str(name)) == name
    with pytest.raises(ValueError, match="nobody"):
        MessageName.parse("booked.nobody.10")


def test_no_facts_call_for_no_messages() -> None:
    assert MessageTimeline().view.history == ReferralHistory()
    assert MessageTimeline().view.messages == ()
