"""Folds a referral's facts into the messages that its story calls for. Pure: no clock, no ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from services.notifications.messages.message import Message, MessageName, Recipient, Template
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked
from shared.contract.events.outcomes import Retracted
from shared.contract.history import Meeting, ReferralHistory, fold_referral, stage_of
from shared.contract.history.fold import SourcePriority
from shared.contract.history.model import EventRef
from shared.platform.clock import LONDON

FOLD_VERSION: Final = 4

REMINDER_TIME: Final = time(10)
"""Of the day before, London time: early enough to ring and change it."""
ASKING_LASTS: Final = timedelta(days=7)
"""How long a request to a service is worth sending: then the link worker is told that it is silent."""
ANSWERING_LASTS: Final = timedelta(days=7)
"""How long it is worth telling a practice that a referral came back: it stands on their page all the time."""
EVENING: Final = time(20)
WITH_A_MAILBOX: Final = frozenset({v.Route.PRACTICE, v.Route.CARE_NAVIGATOR, v.Route.HUB})
"""Routes by which a referral comes from somebody whose mailbox the programme knows."""

_MEETING_NEWS: Final = (Recipient.PERSON, Recipient.LINK_WORKER, Recipient.REFERRER)
_OFF: Final = ("cancelled", "replaced")
_PROMISES: Final = frozenset({v.WaitingReason.NO_SLOT, v.WaitingReason.NO_LINK_WORKER})


@dataclass(frozen=True, slots=True)
class View:
    """A referral as this part sees it: its story, and every message that the story calls for."""

    story: ReferralHistory
    messages: tuple[Message, ...] = ()
    taken_back: tuple[Meeting, ...] = ()
    """Meetings that were never booked, as it was said later: people may have heard of them."""

    def message(self, name: MessageName) -> Message | None:
        """The message of this name, or None where the story does not, or no longer, call for it."""
        return next((m for m in self.messages if m.name == name), None)


def fold(facts: Sequence[Fact], rank: SourcePriority) -> View:
    """The view of this set of facts, whatever order they came in."""
    story = fold_referral(facts, rank)
    taken_back = _taken_back(facts, rank, story)
    called_for = (*_messages(story), *(_off(taken_back, story) if story.created else ()))
    return View(story, tuple(m for m in called_for if _may_go(story, m.name.recipient)), taken_back)


def document(view: View) -> dict[str, Any]:
    """What is stored of a view: enough to say whose case it is."""
    created = view.story.created
    return {
        "stage": stage_of(view.story).value,
        "practice": created.practice if created else None,
        "link_worker": view.story.link_worker,
    }


def safe(story: ReferralHistory) -> bool:
    """Whether the person may be sent anything: only after a plain yes, never after a death or an erasure."""
    if story.created is None or story.erased:
        return False
    died = any(ending.reason in (v.CloseReason.DIED, v.WithdrawReason.DIED) for ending in story.endings)
    return story.contact is v.SafeToText.YES and not died


def _may_go(story: ReferralHistory, to: Recipient) -> bool:
    if to is Recipient.PERSON:
        return safe(story)
    if to is Recipient.REFERRER:
        return not story.erased and story.created is not None and story.created.route in WITH_A_MAILBOX
    return to is Recipient.LINK_WORKER or not story.erased


def _messages(story: ReferralHistory) -> Iterator[Message]:
    # Before ReferralCreated is heard nobody knows whose practice it is and whether the person may be texted.
    if story.created is None:
        return
    yield from _booked(story)
    yield from _cancelled(story)
    yield from _no_appointment_yet(story)
    yield from _returned(story)
    yield from _asked(story)


def _booked(story: ReferralHistory) -> Iterator[Message]:
    meeting = story.active
    if meeting is None or not story.open:
        return
    booked = meeting.booked
    # By the meeting's own fields alone, so that its message has one name whatever else is heard later.
    template = Template.REBOOKED if booked.replaces else Template.BOOKED
    for recipient in _MEETING_NEWS:
        yield _about_meeting(template, recipient, meeting, meeting.said, settles=booked.provisional)
        yield _stands_after_all(recipient, meeting, story)
    yield Message(
        MessageName(Template.REMINDER, Recipient.PERSON, booked.meeting_id),
        news=meeting.said.recorded,
        until=day_before(booked.starts_at, EVENING),
        not_before=day_before(booked.starts_at, REMINDER_TIME),
    )


def _stands_after_all(recipient: Recipient, meeting: Meeting, story: ReferralHistory) -> Message:
    """For those who were told that it is off, which was taken back: by the other template, once."""
    booked = meeting.booked
    template = Template.BOOKED if booked.replaces else Template.REBOOKED
    return Message(
        MessageName(template, recipient, booked.meeting_id),
        news=story.last_recorded or meeting.said.recorded,
        until=booked.starts_at,
        settles=True,
        after=MessageName(Template.CANCELLED, recipient, booked.meeting_id),
    )


def _cancelled(story: ReferralHistory) -> Iterator[Message]:
    """Where another meeting stands in its place, that one is told of instead: one message, not two.

    A link worker who is no longer the one who meets them still has to hear that the meeting is off.
    """
    for meeting in story.meetings:
        if meeting.status not in _OFF:
            continue
        off = meeting.outcome or meeting.said
        instead = _instead_of(meeting, story)
        if instead is None:
            if meeting.status == "cancelled":
                yield from _off([meeting], story)
        elif instead.booked.link_worker != meeting.booked.link_worker:
            news = max(off, instead.said, key=lambda said: said.recorded)
            yield _about_meeting(Template.CANCELLED, Recipient.LINK_WORKER, meeting, news, settles=True)


def _off(meetings: Iterable[Meeting], story: ReferralHistory) -> Iterator[Message]:
    for meeting in meetings:
        off = meeting.outcome or meeting.said
        for recipient in _MEETING_NEWS:
            if recipient is Recipient.REFERRER and sent_back(story):
                continue  # told that the whole referral came back: one message, not two
            yield _about_meeting(Template.CANCELLED, recipient, meeting, off, settles=True)


def _taken_back(facts: Sequence[Fact], rank: SourcePriority, story: ReferralHistory) -> tuple[Meeting, ...]:
    """Meetings whose every booking was taken back, each with the word that did so."""
    retracted = [(fact.body, fact) for fact in facts if isinstance(fact.body, Retracted)]
    if not retracted:
        return ()
    retracted.sort(key=lambda r: (rank(r[1].source), r[1].id, r[1].source), reverse=True)
    by = {(body.event_source, body.event_id): said for body, said in retracted}
    known = {meeting.booked.meeting_id for meeting in story.meetings}
    found = {
        fact.body.meeting_id: Meeting(fact.body, fact, "cancelled", outcome=by[fact.source, fact.id])
        for fact in sorted(facts, key=lambda fact: (rank(fact.source), fact.id, fact.source))
        if isinstance(fact.body, MeetingBooked) and (fact.source, fact.id) in by
    }
    return tuple(meeting for name, meeting in sorted(found.items()) if name not in known)


def _instead_of(meeting: Meeting, story: ReferralHistory) -> Meeting | None:
    """The meeting that is told of in the place of one that is off, be it over by now.

    One that stood before it was told of before it: that is no word of the later one's being off.
    """
    by_name = [m for m in story.meetings if m.booked.replaces == meeting.booked.meeting_id]
    later = story.meetings[story.meetings.index(meeting) + 1 :]
    others = [m for m in (*by_name, *later) if m.status not in _OFF]
    if story.active is not None and (story.active in others or meeting.status == "replaced"):
        return story.active
    return others[-1] if others else None


def _about_meeting(
    template: Template, recipient: Recipient, meeting: Meeting, said: EventRef, *, settles: bool
) -> Message:
    name = MessageName(template, recipient, meeting.booked.meeting_id)
    return Message(name, news=said.recorded, until=meeting.booked.starts_at, settles=settles)


def sent_back(story: ReferralHistory) -> bool:
    """Whether the referral went back to whoever made it, who has to do something about it."""
    return bool(story.endings) and story.endings[-1].kind == "returned"


def _returned(story: ReferralHistory) -> Iterator[Message]:
    if not sent_back(story):
        return
    said = story.endings[-1].said
    name = MessageName(Template.RETURNED, Recipient.REFERRER, said.id)
    yield Message(name, news=said.recorded, until=said.recorded + ANSWERING_LASTS, settles=True)


def _no_appointment_yet(story: ReferralHistory) -> Iterator[Message]:
    waiting, said = story.waiting, story.waiting_said
    if waiting is None or said is None or story.active is not None or not story.open:
        return
    # A reason given before the latest booking is no longer the reason: by clocks, so that one behind must not
    # tell it to somebody who has been met.
    superseded = bool(story.attended) or any(
        meeting.said.recorded >= said.recorded for meeting in story.meetings
    )
    if waiting.reason in _PROMISES and not superseded:
        promised = waiting.expected_by
        yield Message(
            MessageName(Template.NO_APPOINTMENT_YET, Recipient.PERSON, promised.isoformat()),
            news=said.recorded,
            until=datetime.combine(promised, EVENING, LONDON),
            settles=True,
        )


def _asked(story: ReferralHistory) -> Iterator[Message]:
    if not story.open:
        return
    for prescription in story.prescriptions:
        if prescription.status == "asked":
            yield Message(
                MessageName(Template.ASKED, Recipient.SERVICE, prescription.prescribed.prescription_id),
                news=prescription.said.recorded,
                until=prescription.said.recorded + ASKING_LASTS,
            )


def day_before(moment: datetime, at: time) -> datetime:
    """That time of the London day before."""
    day = moment.astimezone(LONDON).date() - timedelta(days=1)
    return datetime.combine(day, at, LONDON)
