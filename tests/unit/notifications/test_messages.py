"""Which messages a story calls for, and when each is sent."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notifications.messages.message import MessageName, Recipient, Template
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.history.model import ReferralHistory
from tests.harness.notifications.facts import MEETING, NOW, FactBuilder, in_hours, numbered_id
from tests.harness.notifications.message_timeline import DELAY, FAR_FUTURE, TO_ALL, MessageTimeline, timeline


def test_a_booked_meeting_is_told_to_all_three_and_reminded_of_at_ten_the_day_before() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, "reminder to person"]
    assert messages.sent[-1][1] == datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def test_whose_clock_is_an_hour_ahead_puts_nothing_off_by_an_hour() -> None:
    say = FactBuilder()
    messages = timeline(
        [say.fact(say.created(), "referral"), say.fact(say.booked())], NOW + timedelta(hours=1)
    )
    booked = [row.at for name, row in messages.rows.items() if name.startswith("booked.")]
    assert len(booked) == 3
    assert max(booked) <= NOW + DELAY


def test_the_reminder_is_at_ten_by_the_london_clock_in_summer_too() -> None:
    say = FactBuilder(now=datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    meeting = say.booked(starts_at=datetime(2026, 7, 8, 9, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(meeting)], say.now)
    messages.until(FAR_FUTURE)
    assert messages.sent[-1][1] == datetime(2026, 7, 7, 9, 0, tzinfo=UTC)


def test_who_hears_of_the_meeting_on_the_day_before_is_not_reminded_on_that_day() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 8, 30, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    assert messages.told == TO_ALL


def test_who_is_told_on_the_morning_of_the_day_before_as_it_was_booked_at_night_is_not_reminded_too() -> None:
    say = FactBuilder(now=datetime(2026, 11, 28, 21, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    person = [(name.template, at) for name, at in messages.sent if name.recipient is Recipient.PERSON]
    assert person == [(Template.BOOKED, datetime(2026, 11, 29, 8, 0, tzinfo=UTC))]


@pytest.mark.parametrize("contact", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
def test_without_a_yes_nothing_is_sent_to_the_person(contact: v.SafeToText) -> None:
    say = FactBuilder()
    messages = timeline(
        [say.fact(say.created(contact), "referral"), say.fact(say.waiting()), say.fact(say.booked())]
    )
    messages.until(MEETING - timedelta(hours=1))
    messages.hear(say.fact(say.cancelled(), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told
    assert not [told for told in messages.told if told.endswith("person")]


def test_nothing_is_asked_for_before_the_referral_itself_is_heard() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.booked())])
    assert messages.rows == {}
    messages.hear(say.fact(say.created(), "referral"))
    messages.until(in_hours(1))
    assert messages.told == TO_ALL


def test_a_meeting_changed_before_it_was_told_is_told_once_as_it_now_is() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked(provisional=True))])
    messages.until(NOW + timedelta(seconds=20))
    assert messages.told == []
    messages.hear(say.fact(say.booked(11, sequence=1, replaces=numbered_id(10))))
    messages.until(in_hours(1))
    assert messages.told == ["rebooked to person", "rebooked to link_worker", "rebooked to referrer"]


def test_a_rebooked_meeting_is_one_message_and_not_a_cancelled_and_a_booked_one() -> None:
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


def test_a_further_meeting_after_one_that_took_place_is_a_booked_one() -> None:
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
def test_the_person_is_left_in_peace_from_eight_to_eight(hour: int, told_at: datetime) -> None:
    say = FactBuilder(now=datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(say.now + timedelta(hours=24))
    at = {name.recipient: at for name, at in messages.sent}
    assert at[Recipient.PERSON] == told_at
    assert at[Recipient.LINK_WORKER] == at[Recipient.REFERRER] == say.now


def test_a_meeting_before_the_end_of_the_quiet_hours_is_not_told_afterwards() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 21, 0, tzinfo=UTC))
    early = say.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(early)], say.now)
    messages.until(FAR_FUTURE)
    assert messages.told == ["booked to link_worker", "booked to referrer"]


def test_what_is_heard_at_night_of_a_meeting_before_the_morning_is_not_asked_for() -> None:
    say = FactBuilder(now=datetime(2026, 11, 29, 18, 0, tzinfo=UTC))
    early = say.booked(starts_at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(early)], say.now + timedelta(hours=3))
    assert {MessageName.parse(name).recipient for name in messages.asked} == {
        Recipient.LINK_WORKER,
        Recipient.REFERRER,
    }


def test_old_news_is_not_told_even_of_a_meeting_to_come() -> None:
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


def test_a_meeting_that_is_over_is_not_told() -> None:
    say = FactBuilder(now=MEETING + timedelta(minutes=1))
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())], say.now)
    messages.until(FAR_FUTURE)
    assert messages.asked == []


def test_a_service_is_asked_once_and_only_where_it_was_not_just_signposted() -> None:
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


def test_a_service_that_answered_already_is_not_asked() -> None:
    say = FactBuilder()
    said = [say.created(), say.prescribed(), say.replied()]
    assert timeline([say.fact(body) for body in said]).asked == []


def test_no_appointment_yet_is_told_once_for_each_day_promised() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.waiting()))
    messages.hear(say.fact(say.waiting(date(2026, 12, 8)), recorded=messages.now))
    messages.until(in_hours(2))
    assert messages.told == ["no_appointment_yet to person"] * 2
    assert [name.about for name, _ in messages.sent] == ["2026-12-01", "2026-12-08"]


def test_a_slot_found_in_the_next_moments_makes_no_appointment_yet_needless() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.hear(say.fact(say.booked(), recorded=NOW + timedelta(seconds=1)))
    messages.until(in_hours(1))
    assert messages.told == TO_ALL


@pytest.mark.parametrize("reason", [v.WaitingReason.PERSON_NOT_REACHED, v.WaitingReason.ASKED_LATER])
def test_who_asked_to_wait_or_is_being_rung_gets_no_promise(reason: v.WaitingReason) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting(reason=reason))])
    assert messages.asked == []


def test_a_reason_for_waiting_from_before_the_last_booking_is_not_told() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.waiting())])
    messages.hear(say.fact(say.booked(), recorded=NOW + timedelta(minutes=1)))
    messages.hear(say.fact(say.cancelled(), recorded=NOW + timedelta(minutes=2)))
    messages.until(in_hours(1))
    assert "no_appointment_yet to person" not in messages.told


def test_who_has_been_met_is_not_told_by_a_clock_behind_that_there_is_no_appointment_yet() -> None:
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
def test_a_telephone_of_somebody_who_died_gets_no_message(ending: v.CloseReason, person_hears: bool) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    end: list[EventBody] = [say.closed(ending), say.cancelled(why=v.CancelReason.REFERRAL_ENDED)]
    messages.hear(*(say.fact(body, recorded=messages.now) for body in end))
    messages.until(FAR_FUTURE)
    assert ("cancelled to person" in messages.told) is person_hears
    assert "cancelled to link_worker" in messages.told


def test_after_an_erasure_only_the_link_worker_hears_that_a_meeting_is_off() -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    messages.hear(say.fact(say.erased(), recorded=messages.now))
    messages.hear(say.fact(say.cancelled(), recorded=messages.now))
    messages.until(FAR_FUTURE)
    assert messages.told == [*TO_ALL, "cancelled to link_worker"]


def test_a_closed_referral_reminds_nobody_and_one_that_was_not_closed_after_all_does() -> None:
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
def test_only_a_referrer_with_a_known_mailbox_is_told(route: v.Route, told: bool) -> None:
    say = FactBuilder()
    messages = timeline([say.fact(say.created(route=route), "referral"), say.fact(say.booked())])
    messages.until(in_hours(1))
    assert ("booked to referrer" in messages.told) is told


def test_a_name_reads_as_it_was_written() -> None:
    name = MessageName(Template.NO_APPOINTMENT_YET, Recipient.PERSON, "2026-12-01")
    assert MessageName.parse(str(name)) == name
    with pytest.raises(ValueError, match="nobody"):
        MessageName.parse("booked.nobody.10")


def test_nothing_follows_from_nothing() -> None:
    assert MessageTimeline().view.history == ReferralHistory()
    assert MessageTimeline().view.messages == ()
