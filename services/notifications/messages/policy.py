"""Decides which messages to schedule, and whether a scheduled one is still needed. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from services.notifications.messages.message import Message, MessageName, Recipient, Template
from services.notifications.messages.state import NotificationState
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.platform.clock import LONDON

# The name of this service's only scheduled task: a message to be sent.
SEND: Final = "message"

# Marks a task that waits for the end of the quiet hours.
HELD: Final = "held"

# Older news is not sent: a replayed log or an imported history must not write to people.
NEWS_AGE_LIMIT: Final = timedelta(hours=24)

# London time. Quiet hours protect the person only: mailboxes of practices and services can wait to be read.
QUIET_FROM: Final = time(20)
QUIET_UNTIL: Final = time(8)

Names = Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class PastMessages:
    """Messages in the ledger, as names by (locality, referral).

    `ended` were sent, refused or given up. `sending` are being sent now and still have their task, so
    scheduling them again would change nothing.
    """

    ended: Names
    sending: Names = field(default_factory=dict)

    def ended_for(self, context: DecisionContext) -> frozenset[str]:
        """Names of the referral's messages that have ended."""
        return self.ended.get((context.locality, context.referral_id), frozenset())

    def claimed_for(self, context: DecisionContext) -> frozenset[str]:
        """Names that have ended or are being sent: the receiver has read them, or may."""
        sending = self.sending.get((context.locality, context.referral_id), frozenset())
        return self.ended_for(context) | sending


def _the_day_before() -> int:
    return 1


@dataclass(frozen=True, slots=True)
class MessagePolicy:
    """The service's one decision: schedules every message that the referral calls for and that is new.

    A task that exists already is kept as it is, so deciding again changes nothing. `delay` is the wait before
    news that may still change. `reminder_days`: a reminder is sent so many days before; 0 for none.
    """

    delay: timedelta
    reminder_days: Callable[[], int] = _the_day_before

    def __call__(self, state: NotificationState, past: PastMessages, context: DecisionContext) -> Decision:
        """Decides on the messages to schedule for this state; NOTHING if none is new."""
        ended, claimed = past.ended_for(context), past.claimed_for(context)
        tasks = [
            task
            for message in map(self._by_rules, state.messages)
            if message is not None
            and str(message.name) not in ended
            and (message.follows is None or str(message.follows) in claimed)
            and (message.name.template is Template.REMINDER or is_ours_to_tell(message, context))
            and (task := self._task(message, context.now)) is not None
        ]
        return Decision(tasks=tasks) if tasks else NOTHING

    def _by_rules(self, message: Message) -> Message | None:
        """The message as the programme's rules have it; None for a reminder that they leave out."""
        days = self.reminder_days()
        if message.name.template is not Template.REMINDER or message.not_before is None or days == 1:
            return message
        if days == 0:
            return None
        local = message.not_before.astimezone(LONDON)
        day = local.date() - timedelta(days=days - 1)
        at = datetime.combine(day, local.time(), LONDON).astimezone(message.not_before.tzinfo)
        return replace(message, not_before=at)

    def _task(self, message: Message, now: datetime) -> ScheduledTask | None:
        if not is_news(message, now) or _too_late_to_remind(message, now):
            return None
        # A partner's clock may be ahead: its news must not be sent an hour late.
        news_at = min(now, message.news_at)
        earliest = news_at + self.delay if message.may_change else news_at
        wanted = max(earliest, message.not_before or news_at)
        to_person = message.name.recipient is Recipient.PERSON
        at = after_quiet_hours(wanted) if to_person else wanted
        if max(at, after_quiet_hours(now) if to_person else now) >= message.expires_at:
            return None
        payload = {HELD: True} if at > wanted else {}
        return ScheduledTask(
            SEND, str(message.name), at.astimezone(UTC), message.expires_at.astimezone(UTC), payload
        )


def is_news(message: Message, now: datetime) -> bool:
    """Tests the age of a message's fact. Only news is ever scheduled."""
    return now - message.news_at <= NEWS_AGE_LIMIT


def is_ours_to_tell(message: Message, context: DecisionContext) -> bool:
    """Tests whether the news is younger than our ownership. The former owner tells what came before."""
    return context.ours_since is None or message.news_at >= context.ours_since


def is_still_needed(state: NotificationState, context: DecisionContext, row: TaskRow) -> bool:
    """Tests a scheduled message again: the meeting may have changed, or the referral may have ended."""
    message = state.message(MessageName.parse(row.about))
    return message is not None and context.now < message.expires_at


def is_reminder(row: TaskRow) -> bool:
    """True for a reminder: it is sent by the owner of notifications on its day."""
    return MessageName.parse(row.about).template is Template.REMINDER


def after_quiet_hours(moment: datetime) -> datetime:
    """The moment itself, or the end of the quiet hours around it."""
    here = moment.astimezone(LONDON)
    if QUIET_UNTIL <= here.time() < QUIET_FROM:
        return moment
    day = here.date() + timedelta(days=1) if here.time() >= QUIET_FROM else here.date()
    return datetime.combine(day, QUIET_UNTIL, LONDON).astimezone(moment.tzinfo)


def _too_late_to_remind(message: Message, now: datetime) -> bool:
    """Tests for a meeting booked only the day before: its own message is reminder enough."""
    if message.not_before is None:
        return False
    read_at = after_quiet_hours(now)
    return read_at.astimezone(LONDON).date() >= message.not_before.astimezone(LONDON).date()
