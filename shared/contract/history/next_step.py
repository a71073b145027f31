"""What happens next in a case, said or following from it. Pure: of the story, without a clock.

Every page that shows a next step or its date asks here, so that practice and link worker read the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.contract.events.outcomes import NextStep
from shared.contract.events.vocabulary import NextStepCode, WaitingReason
from shared.contract.history.model import EventRef, Prescription, ReferralHistory
from shared.platform.clock import london_day

ANSWER_DAYS: Final = 7
"""A service that has not answered by then is rung."""
FIRST_VISIT_DAYS: Final = 14
"""After the prescription: has the first visit happened?"""
REVIEW_DAYS: Final = 84
"""Twelve weeks after the first visit."""
WEEKS_NOT_KNOWN: Final = 4
"""A waiting list whose length nobody knows is asked about after so many weeks."""
ACT_DAYS: Final = 2
"""How soon the link worker looks at something that went wrong."""

StepSaid = tuple[NextStep, str]
"""A next step and the id of the fact that said it."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of an open case. `derived`: it follows from the case, nobody said it."""

    code: NextStepCode
    on: date
    derived: bool


def step_said(story: ReferralHistory) -> StepSaid | None:
    """The next step that was said last, and by which fact."""
    if story.next_step is None or story.next_step_said is None:
        return None
    return story.next_step, story.next_step_said.id


def step_of(story: ReferralHistory) -> Step | None:
    """The next step of an open case; None where nobody said one and none follows.

    What was said stands until something newer happened in the case, by the ids of the facts; then what
    follows from the case takes its place, if anything does.
    """
    if not story.open:
        return None
    follows, said = derived(story), step_said(story)
    if said is None:
        return follows
    step, fact_id = said
    if follows is not None and any(newer > fact_id for newer in _happened(story)):
        return follows
    return Step(step.code, step.on, derived=False)


def derived(story: ReferralHistory) -> Step | None:
    """The next step that follows from the case itself."""
    found = _before_the_meeting(story)
    if found is None:
        found = min(_after_the_meeting(story), key=lambda step: step[1], default=None)
    return Step(found[0], found[1], derived=True) if found else None


def _before_the_meeting(story: ReferralHistory) -> tuple[NextStepCode, date] | None:
    if story.active is not None:
        return NextStepCode.MEET, london_day(story.active.booked.starts_at)
    if story.attended:
        return None
    waiting = story.waiting
    if waiting is not None and waiting.reason is not WaitingReason.PERSON_NOT_REACHED:
        return NextStepCode.WAIT_FOR_SLOT, waiting.expected_by
    missed = story.missed[-1].outcome if story.missed else None
    if missed is not None:
        return NextStepCode.RING, _days_after(london_day(missed.recorded), ACT_DAYS)
    return (NextStepCode.RING, waiting.expected_by) if waiting is not None else None


def _after_the_meeting(story: ReferralHistory) -> Iterator[tuple[NextStepCode, date]]:
    over = plan_over(story)
    if over is not None:
        yield NextStepCode.REVIEW, _days_after(london_day(over.time), ACT_DAYS)
    for prescription in story.prescriptions:
        step = None if settled(story, prescription) else prescription_step(prescription)
        if step is not None:
            yield step
    if not story.prescriptions and story.attended:
        if story.plan is None:
            yield NextStepCode.REVIEW, _days_after(story.attended[-1].held_on, ACT_DAYS)
        else:
            for goal in story.plan.goals:
                for action in goal.actions:
                    if action.review_on is not None:
                        yield NextStepCode.REVIEW, action.review_on


def prescription_step(prescription: Prescription) -> tuple[NextStepCode, date] | None:
    """What comes next with one service of the plan; None where it has ended."""
    asked = london_day(prescription.said.time)
    answer = prescription.reply_said
    answered = london_day(answer.time) if answer else asked
    match prescription.status:
        case "asked":
            return NextStepCode.WAIT_FOR_SERVICE, _days_after(asked, ANSWER_DAYS)
        case "accepted" | "signposted":
            return NextStepCode.CHECK_FIRST_VISIT, _days_after(answered, FIRST_VISIT_DAYS)
        case "waiting_list":
            return NextStepCode.WAIT_FOR_SERVICE, answered + timedelta(
                weeks=prescription.weeks or WEEKS_NOT_KNOWN
            )
        case "full" | "not_suitable":
            return NextStepCode.REVIEW, _days_after(answered, ACT_DAYS)
        case "not_started":
            stopped = prescription.not_started_said
            return NextStepCode.RING, _days_after(london_day(stopped.time) if stopped else asked, ACT_DAYS)
        case "started":
            return NextStepCode.REVIEW, _days_after(prescription.started_on or asked, REVIEW_DAYS)
        case _:
            return None


def settled(story: ReferralHistory, one: Prescription) -> bool:
    """Whether something was done about a service that did not work out, or the person goes there no more.

    What is done: another service for the need, or the need noted as unmet.
    """
    if one.status == "ended":
        return True
    if one.status not in ("full", "not_suitable", "not_started"):
        return False
    need, since = one.prescribed.need, _latest(one).id
    return any(p.prescribed.need is need and p.said.id > since for p in story.prescriptions) or any(
        unmet.need is need and said.id > since for unmet, said in story.unmet
    )


def plan_over(story: ReferralHistory) -> EventRef | None:
    """What was said last of a plan in which nothing goes on any more; None while something does."""
    if not story.prescriptions or not all(settled(story, one) for one in story.prescriptions):
        return None
    said = [*map(_latest, story.prescriptions), *(said for _, said in story.unmet)]
    return max(said, key=lambda each: each.id)


def _latest(one: Prescription) -> EventRef:
    """The latest word about a service of the plan."""
    told = (one.said, one.reply_said, one.started_said, one.not_started_said, one.ended_said)
    return max((said for said in told if said is not None), key=lambda said: said.id)


def _days_after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _happened(story: ReferralHistory) -> Iterator[str]:
    """The ids of what may have overtaken a next step that was said."""
    if story.active is not None:
        yield story.active.said.id
    if story.waiting_said is not None:
        yield story.waiting_said.id
    for meeting in story.meetings:
        if meeting.status in ("missed", "cancelled") and meeting.outcome is not None:
            yield meeting.outcome.id
    for one in story.prescriptions:
        for said in (one.said, one.reply_said, one.started_said, one.not_started_said):
            if said is not None:
                yield said.id
    over = plan_over(story)
    if over is not None:
        yield over.id
