"""Folds a referral's facts into the messages that it calls for. Pure: no clock, no ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from services.notifications.messages.message import Message, MessageName, Recipient, Template
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked
from shared.contract.events.outcomes import Retracted
from shared.contract.history import (
    CONTACT,
    STAGE,
    EffectiveFacts,
    Meeting,
    ReferralHistory,
    SourceTable,
    fold_referral,
    fold_version,
    stage_of,
)
from shared.contract.history.model import EventRef
from shared.platform.clock import LONDON

SECTIONS: Final = (CONTACT, STAGE)
# Raise the first figure when `fold` or `to_document` change: stored referrals are then folded again.
FOLD_VERSION: Final = fold_version(4, SECTIONS)

# London time, on the day before the meeting: early enough to ring and change it.
REMINDER_TIME: Final = time(10)
# Later than this the link worker is shown that the service is silent.
SERVICE_REQUEST_LIFETIME: Final = timedelta(days=7)
# The practice's page shows a returned referral all the time, so a later mail adds nothing.
RETURNED_LIFETIME: Final = timedelta(days=7)
EVENING: Final = time(20)
# Routes of referrers whose mailbox the programme knows.
ROUTES_WITH_MAILBOX: Final = frozenset({v.Route.PRACTICE, v.Route.CARE_NAVIGATOR, v.Route.HUB})

_MEETING_RECIPIENTS: Final = (Recipient.PERSON, Recipient.LINK_WORKER, Recipient.REFERRER)
_OFF: Final = ("cancelled", "replaced")
_PROMISES: Final = frozenset({v.WaitingReason.NO_SLOT, v.WaitingReason.NO_LINK_WORKER})


@dataclass(frozen=True, slots=True)
class NotificationState:
    """A referral as the notifications service sees it: its history and the messages that it calls for.

    `retracted_meetings` were never booked, as was recorded later. Messages may have announced them.
    """

    history: ReferralHistory
    messages: tuple[Message, ...] = ()
    retracted_meetings: tuple[Meeting, ...] = ()

    def message(self, name: MessageName) -> Message | None:
        """The message of this name, or None where the referral does not call for it now."""
        return next((m for m in self.messages if m.name == name), None)

    @property
    def known_meetings(self) -> tuple[Meeting, ...]:
        """All meetings that messages may have announced."""
        return (*self.history.meetings, *self.retracted_meetings)


def fold(facts: Sequence[Fact], sources: SourceTable) -> NotificationState:
    """Folds this set of facts. Their order does not matter."""
    history = fold_referral(facts, sources, SECTIONS)
    retracted = _retracted_meetings(facts, sources, history)
    called_for = (*_messages(history), *(_off(retracted, history) if history.created else ()))
    allowed = tuple(m for m in called_for if _is_allowed(history, m.name.recipient))
    return NotificationState(history, allowed, retracted)


def to_document(state: NotificationState) -> dict[str, Any]:
    """The stored view of a state: enough to check whose referral it is."""
    created = state.history.created
    return {
        "stage": stage_of(state.history).value,
        "practice": created.practice if created else None,
        "link_worker": state.history.link_worker,
    }


def may_write_to_person(history: ReferralHistory) -> bool:
    """Tests whether messages to the person are safe: only after a plain yes, not after a death or erasure."""
    if history.created is None or history.erased:
        return False
    died = any(ending.reason in (v.CloseReason.DIED, v.WithdrawReason.DIED) for ending in history.endings)
    return history.contact is v.SafeToText.YES and not died


def is_sent_back(history: ReferralHistory) -> bool:
    """Tests whether the referral went back to its referrer, who has to act on it."""
    return bool(history.endings) and history.endings[-1].kind == "returned"


def day_before(moment: datetime, at: time) -> datetime:
    """The time `at` on the London day before `moment`."""
    day = moment.astimezone(LONDON).date() - timedelta(days=1)
    return datetime.combine(day, at, LONDON)


def _is_allowed(history: ReferralHistory, to: Recipient) -> bool:
    if to is Recipient.PERSON:
        return may_write_to_person(history)
    if to is Recipient.REFERRER:
        created = history.created
        return not history.erased and created is not None and created.route in ROUTES_WITH_MAILBOX
    return to is Recipient.LINK_WORKER or not history.erased


def _messages(history: ReferralHistory) -> Iterator[Message]:
    # Before ReferralCreated arrives, neither the practice nor the person's consent to texts is known.
    if history.created is None:
        return
    yield from _booked(history)
    yield from _cancelled(history)
    yield from _no_appointment_yet(history)
    yield from _returned(history)
    yield from _service_requests(history)


def _booked(history: ReferralHistory) -> Iterator[Message]:
    meeting = history.active
    if meeting is None or not history.open:
        return
    booked = meeting.booked
    # Chosen by the meeting's own fields, so that later facts cannot give its message a second name.
    template = Template.REBOOKED if booked.replaces else Template.BOOKED
    for recipient in _MEETING_RECIPIENTS:
        yield _about_meeting(template, recipient, meeting, meeting.said, may_change=booked.provisional)
        yield _stands_after_all(recipient, meeting, history)
    yield Message(
        MessageName(Template.REMINDER, Recipient.PERSON, booked.meeting_id),
        news_at=meeting.said.recorded,
        expires_at=day_before(booked.starts_at, EVENING),
        not_before=day_before(booked.starts_at, REMINDER_TIME),
    )


def _stands_after_all(recipient: Recipient, meeting: Meeting, history: ReferralHistory) -> Message:
    """Corrects a cancellation that was taken back. Uses the other template, so that its name is free."""
    booked = meeting.booked
    template = Template.BOOKED if booked.replaces else Template.REBOOKED
    return Message(
        MessageName(template, recipient, booked.meeting_id),
        news_at=history.last_recorded or meeting.said.recorded,
        expires_at=booked.starts_at,
        may_change=True,
        follows=MessageName(Template.CANCELLED, recipient, booked.meeting_id),
    )


def _cancelled(history: ReferralHistory) -> Iterator[Message]:
    """Announces each cancelled meeting, unless a new one stands in its place: one message, not two.

    A link worker who no longer meets the person still has to know that the meeting is off.
    """
    for meeting in history.meetings:
        if meeting.status not in _OFF:
            continue
        off = meeting.outcome or meeting.said
        instead = _replacement_of(meeting, history)
        if instead is None:
            if meeting.status == "cancelled":
                yield from _off([meeting], history)
        elif instead.booked.link_worker != meeting.booked.link_worker:
            news = max(off, instead.said, key=lambda said: said.recorded)
            yield _about_meeting(Template.CANCELLED, Recipient.LINK_WORKER, meeting, news, may_change=True)


def _off(meetings: Iterable[Meeting], history: ReferralHistory) -> Iterator[Message]:
    for meeting in meetings:
        off = meeting.outcome or meeting.said
        for recipient in _MEETING_RECIPIENTS:
            if recipient is Recipient.REFERRER and is_sent_back(history):
                continue  # the mail about the returned referral says enough
            yield _about_meeting(Template.CANCELLED, recipient, meeting, off, may_change=True)


def _retracted_meetings(
    facts: Sequence[Fact], sources: SourceTable, history: ReferralHistory
) -> tuple[Meeting, ...]:
    """Meetings of which every booking was retracted, each with the fact that retracted it."""
    if not any(isinstance(fact.body, Retracted) for fact in facts):
        return ()
    by = EffectiveFacts(facts, sources).retracted
    known = {meeting.booked.meeting_id for meeting in history.meetings}
    found = {
        fact.body.meeting_id: Meeting(fact.body, fact, "cancelled", outcome=by[fact.key])
        for fact in sorted(facts, key=lambda fact: (sources.rank(fact.source), fact.id, fact.source))
        if isinstance(fact.body, MeetingBooked) and fact.key in by
    }
    return tuple(meeting for name, meeting in sorted(found.items()) if name not in known)


def _replacement_of(meeting: Meeting, history: ReferralHistory) -> Meeting | None:
    """The meeting announced in place of one that is off, even if it is over by now.

    A meeting that stood before was announced before: its message does not say that the later one is off.
    """
    by_name = [m for m in history.meetings if m.booked.replaces == meeting.booked.meeting_id]
    later = history.meetings[history.meetings.index(meeting) + 1 :]
    others = [m for m in (*by_name, *later) if m.status not in _OFF]
    if history.active is not None and (history.active in others or meeting.status == "replaced"):
        return history.active
    return others[-1] if others else None


def _about_meeting(
    template: Template, recipient: Recipient, meeting: Meeting, news: EventRef, *, may_change: bool
) -> Message:
    name = MessageName(template, recipient, meeting.booked.meeting_id)
    return Message(name, news_at=news.recorded, expires_at=meeting.booked.starts_at, may_change=may_change)


def _returned(history: ReferralHistory) -> Iterator[Message]:
    if not is_sent_back(history):
        return
    news = history.endings[-1].said
    name = MessageName(Template.RETURNED, Recipient.REFERRER, news.id)
    expires_at = news.recorded + RETURNED_LIFETIME
    yield Message(name, news_at=news.recorded, expires_at=expires_at, may_change=True)


def _no_appointment_yet(history: ReferralHistory) -> Iterator[Message]:
    waiting, said = history.waiting, history.waiting_said
    if waiting is None or said is None or history.active is not None or not history.open:
        return
    # A reason from before the latest booking is out of date. Clocks decide this: a source with a slow clock
    # must not promise an appointment to a person who has been met.
    superseded = bool(history.attended) or any(
        meeting.said.recorded >= said.recorded for meeting in history.meetings
    )
    if waiting.reason in _PROMISES and not superseded:
        promised = waiting.expected_by
        yield Message(
            MessageName(Template.NO_APPOINTMENT_YET, Recipient.PERSON, promised.isoformat()),
            news_at=said.recorded,
            expires_at=datetime.combine(promised, EVENING, LONDON),
            may_change=True,
        )


def _service_requests(history: ReferralHistory) -> Iterator[Message]:
    if not history.open:
        return
    for prescription in history.prescriptions:
        if prescription.status == "asked":
            yield Message(
                MessageName(Template.ASKED, Recipient.SERVICE, prescription.prescribed.prescription_id),
                news_at=prescription.said.recorded,
                expires_at=prescription.said.recorded + SERVICE_REQUEST_LIFETIME,
            )
