"""Reasons why a case needs its link worker, and since when. Pure: from the history, without a clock.

Each reason carries the moment at which it begins to hold. No task has to run at that moment: a list shows the
reasons whose time has come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.matching.calendar import day_start
from shared.contract.events.vocabulary import Channel, NextStepCode, SafeToText
from shared.contract.history import Prescription, ReferralHistory
from shared.contract.history.next_step import (
    ANSWER_DAYS,
    FIRST_VISIT_DAYS,
    WEEKS_NOT_KNOWN,
    Step,
    StepSaid,
    settled,
)


class NeedsYou(StrEnum):
    """Codes of the reasons why a case needs its link worker."""

    # The case was handed over, and the new link worker has done nothing yet.
    HANDED_OVER = "handed_over"
    TWO_MISSES = "two_misses"
    # The person may not be texted and has not been rung about this meeting. No voicemail.
    RING = "ring"
    # The meeting is over, and attendance has not been recorded.
    NOT_RECORDED = "not_recorded"
    SERVICE_SAID_NO = "service_said_no"
    SERVICE_SILENT = "service_silent"
    NO_FIRST_VISIT = "no_first_visit"
    DID_NOT_START = "did_not_start"
    # The person has waited longer for a meeting than promised.
    NO_MEETING = "no_meeting"
    REVIEW_DUE = "review_due"
    # A service's one-tap link ended after too many wrong codes.
    LINK_ENDED = "link_ended"
    STEP_OVERDUE = "step_overdue"
    NO_NEXT_STEP = "no_next_step"


class ToDo(StrEnum):
    """The suggested action."""

    RING = "ring"
    RECORD = "record"
    CHOOSE_SERVICE = "choose_service"
    RING_SERVICE = "ring_service"
    ASK_PERSON = "ask_person"
    BOOK = "book"
    REVIEW = "review"
    SAY_NEXT_STEP = "say_next_step"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a case needs its link worker, from `since` on (which may be in the future in a view).

    `about`: the meeting or prescription concerned, if any.
    """

    reason: NeedsYou
    since: datetime
    todo: ToDo
    about: str | None = None


def reasons_of(
    story: ReferralHistory,
    step: Step | None,
    said: StepSaid | None,
    misses_settled: int,
    handed_over: datetime | None,
    answer_days: int = ANSWER_DAYS,
) -> tuple[Reason, ...]:
    """Every reason of an open case, including future ones, by the time at which they begin.

    `misses_settled`: this many misses are forgiven; after the next one the link worker arranges.
    `answer_days`: after so many days a service that has not answered is rung.
    `handed_over`: the moment of a handover to a link worker who has done nothing about the case yet.
    """
    if not story.open:
        return ()
    found = [
        *([Reason(NeedsYou.HANDED_OVER, handed_over, ToDo.SAY_NEXT_STEP)] if handed_over else ()),
        *_meeting(story, said, misses_settled),
        *(reason for one in story.prescriptions for reason in _prescription(story, one, said, answer_days)),
        *_step(story, step),
    ]
    return tuple(sorted(found, key=lambda reason: (reason.since, reason.reason, reason.about or "")))


def _meeting(story: ReferralHistory, said: StepSaid | None, misses_settled: int) -> Iterator[Reason]:
    active = story.active
    if active is not None:
        booked = active.booked
        ends = booked.starts_at + timedelta(minutes=booked.minutes)
        if booked.provisional and story.created is not None and story.contact is not SafeToText.YES:
            rung = any(
                c.reached and c.channel in (Channel.PHONE, Channel.VISIT) and s.id > active.said.id
                for c, s in story.contacts
            )
            if not rung:
                yield Reason(NeedsYou.RING, active.said.recorded, ToDo.RING, booked.meeting_id)
        yield Reason(NeedsYou.NOT_RECORDED, ends, ToDo.RECORD, booked.meeting_id)
        return
    if story.attended:
        return
    missed = story.missed
    if len(missed) > misses_settled:
        last = missed[-1].outcome
        since = last.recorded if last else missed[-1].booked.starts_at
        yield _put_off(
            Reason(NeedsYou.TWO_MISSES, since, ToDo.RING, missed[-1].booked.meeting_id),
            said,
            last.id if last else "",
        )
    elif story.waiting is not None:
        yield Reason(NeedsYou.NO_MEETING, _evening(story.waiting.expected_by), ToDo.BOOK)


def _prescription(
    story: ReferralHistory, one: Prescription, said: StepSaid | None, answer_days: int
) -> Iterator[Reason]:
    about = one.prescribed.prescription_id
    asked = one.said.time
    origin = max(s.id for s in (one.said, one.reply_said, one.not_started_said) if s is not None)
    match one.status:
        case "asked":
            reason = Reason(
                NeedsYou.SERVICE_SILENT, asked + timedelta(days=answer_days), ToDo.RING_SERVICE, about
            )
        case "accepted" | "signposted":
            reason = Reason(
                NeedsYou.NO_FIRST_VISIT, asked + timedelta(days=FIRST_VISIT_DAYS), ToDo.ASK_PERSON, about
            )
        case "waiting_list" if one.reply_said is not None:
            due = one.reply_said.time + timedelta(weeks=one.weeks or WEEKS_NOT_KNOWN)
            reason = Reason(NeedsYou.NO_FIRST_VISIT, due, ToDo.RING_SERVICE, about)
        case "full" | "not_suitable" if one.reply_said is not None and not settled(story, one):
            reason = Reason(NeedsYou.SERVICE_SAID_NO, one.reply_said.recorded, ToDo.CHOOSE_SERVICE, about)
        case "not_started" if one.not_started_said is not None and not settled(story, one):
            reason = Reason(NeedsYou.DID_NOT_START, one.not_started_said.recorded, ToDo.ASK_PERSON, about)
        case _:
            return
    yield _put_off(reason, said, origin)


def _step(story: ReferralHistory, step: Step | None) -> Iterator[Reason]:
    if step is None and story.last_recorded is not None:
        yield Reason(NeedsYou.NO_NEXT_STEP, story.last_recorded, ToDo.SAY_NEXT_STEP)
    elif step is not None and step.code is NextStepCode.REVIEW:
        yield Reason(NeedsYou.REVIEW_DUE, day_start(step.on), ToDo.REVIEW)
    elif step is not None and not step.derived:
        yield Reason(NeedsYou.STEP_OVERDUE, _evening(step.on), ToDo.SAY_NEXT_STEP)


def _put_off(reason: Reason, said: StepSaid | None, origin: str) -> Reason:
    """Delays a reason until the day of a next step that was set after the trouble."""
    if said is None or said[1] <= origin:
        return reason
    since = max(reason.since, day_start(said[0].on))
    return Reason(reason.reason, since, reason.todo, reason.about)


def _evening(day: date) -> datetime:
    """The end of a day in London."""
    return day_start(day + timedelta(days=1))
