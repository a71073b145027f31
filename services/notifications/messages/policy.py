"""Which messages to ask for now, and whether one is still wanted when its time has come. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from services.notifications.messages.message import Message, MessageName, Recipient
from services.notifications.messages.state import View
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.platform.clock import LONDON

SEND: Final = "message"
"""The due work of this part: a message to be sent."""

HELD: Final = "held"
"""Marks a row that waits for the end of the quiet hours."""

FRESH_FOR: Final = timedelta(hours=24)
"""Older news is not told: a replayed log or an imported history must not write to anybody."""
QUIET_FROM: Final = time(20)
QUIET_UNTIL: Final = time(8)
"""London time. Only the person is left in peace: mailboxes of practices and services can wait to be read."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has been sent, refused or given up already: names of messages by (locality, referral)."""

    names: Mapping[tuple[str, str], frozenset[str]]
    sending: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """What somebody is sending just now. It still has its row: asking again would change nothing."""

    def of(self, context: DecisionContext) -> frozenset[str]:
        return self.names.get((context.locality, context.referral_id), frozenset())

    def begun(self, context: DecisionContext) -> frozenset[str]:
        """These and those that are being sent: what somebody has heard, or may."""
        return self.of(context) | self.sending.get((context.locality, context.referral_id), frozenset())


@dataclass(frozen=True, slots=True)
class Asking:
    """The one decision of this part: ask for every message that the story calls for and nobody asked for yet.

    A row that waits already is kept as it is, so to ask again changes nothing.
    """

    settle: timedelta

    def __call__(self, view: View, told: Told, context: DecisionContext) -> Decision:
        past, begun = told.of(context), told.begun(context)
        rows = [
            due
            for message in view.messages
            if str(message.name) not in past
            and (message.after is None or str(message.after) in begun)
            and (due := self._due(message, context.now)) is not None
        ]
        return Decision(due=rows) if rows else NOTHING

    def _due(self, message: Message, now: datetime) -> ScheduledTask | None:
        if not fresh(message, now) or _too_late_to_remind(message, now):
            return None
        # From when it was said, not heard: whose clock is ahead must not tell it an hour later.
        said = min(now, message.news)
        wished = max(said + self.settle if message.settles else said, message.not_before or said)
        to_person = message.name.recipient is Recipient.PERSON
        at = after_quiet_hours(wished) if to_person else wished
        if max(at, after_quiet_hours(now) if to_person else now) >= message.until:
            return None
        payload = {HELD: True} if at > wished else {}
        return ScheduledTask(
            SEND, str(message.name), at.astimezone(UTC), message.until.astimezone(UTC), payload
        )


def fresh(message: Message, now: datetime) -> bool:
    """Whether it tells of something new. Only such messages are ever asked for."""
    return now - message.news <= FRESH_FOR


def still_wanted(view: View, context: DecisionContext, row: TaskRow) -> bool:
    """Whether the story still calls for it: the meeting may have been changed or the referral have ended."""
    message = view.message(MessageName.parse(row.about))
    return message is not None and context.now < message.until


def after_quiet_hours(moment: datetime) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls in."""
    here = moment.astimezone(LONDON)
    if QUIET_UNTIL <= here.time() < QUIET_FROM:
        return moment
    day = here.date() + timedelta(days=1) if here.time() >= QUIET_FROM else here.date()
    return datetime.combine(day, QUIET_UNTIL, LONDON).astimezone(moment.tzinfo)


def _too_late_to_remind(message: Message, now: datetime) -> bool:
    """Who hears of the meeting only on the day before needs no reminder on that day."""
    if message.not_before is None:
        return False
    hears = after_quiet_hours(now)
    return hears.astimezone(LONDON).date() >= message.not_before.astimezone(LONDON).date()
