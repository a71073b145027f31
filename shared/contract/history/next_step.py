"""The next step of a referral: the one that was said, or one that follows from its history. No clock.

Every page that shows a next step takes it from here, so that practice and link worker read the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.contract.events.outcomes import NextStep, Outcome
from shared.contract.events.vocabulary import NextStepCode, WaitingReason
from shared.contract.history.casework import PLAN, UNMET_NEEDS
from shared.contract.history.creation import CREATION, ENDINGS
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.meetings import MEETINGS
from shared.contract.history.model import EventRef, Prescription, ReferralHistory
from shared.contract.history.prescriptions import PRESCRIPTIONS
from shared.contract.history.section import Fields, Section
from shared.platform.clock import london_day

ANSWER_DAYS: Final = 7  # The link worker rings a service that has not answered by then.
FIRST_VISIT_DAYS: Final = 14  # From the prescription until the link worker checks for the first visit.
REVIEW_DAYS: Final = 84  # From the first visit until the review.
WEEKS_NOT_KNOWN: Final = 4  # For a waiting list of unknown length.
ACT_DAYS: Final = 2  # From something that went wrong until the link worker looks at it.


@dataclass(frozen=True, slots=True)
class StepDays:
    """Days that a programme may set: until a silent service is rung, from the first visit to the review."""

    answer: int = ANSWER_DAYS
    review: int = REVIEW_DAYS


USUAL_DAYS: Final = StepDays()

# A next step and the id of the fact that said it.
StepSaid = tuple[NextStep, str]


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of an open referral. `derived`: it follows from the history, no fact said it."""

    code: NextStepCode
    on: date
    derived: bool


def step_said(story: ReferralHistory) -> StepSaid | None:
    """The next step that was said last, and the id of its fact."""
    if story.next_step is None or story.next_step_said is None:
        return None
    return story.next_step, story.next_step_said.id


def step_of(story: ReferralHistory, days: StepDays = USUAL_DAYS) -> Step | None:
    """The next step of an open referral; None if no fact said one and none follows.

    A step that was said stands until something newer happens, by the ids of the facts. Then the step that
    follows from the history replaces it, if one follows.
    """
    if not story.open:
        return None
    follows, said = derived(story, days), step_said(story)
    if said is None:
        return follows
    step, fact_id = said
    if follows is not None and any(newer > fact_id for newer in _happened(story)):
        return follows
    return Step(step.code, step.on, derived=False)


def derived(story: ReferralHistory, days: StepDays = USUAL_DAYS) -> Step | None:
    """The next step that follows from the history itself."""
    found = _before_the_meeting(story)
    if found is None:
        found = min(_after_the_meeting(story, days), key=lambda step: step[1], default=None)
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


def _after_the_meeting(story: ReferralHistory, days: StepDays) -> Iterator[tuple[NextStepCode, date]]:
    over = plan_over(story)
    if over is not None:
        yield NextStepCode.REVIEW, _days_after(london_day(over.time), ACT_DAYS)
    for prescription in story.prescriptions:
        step = None if settled(story, prescription) else prescription_step(prescription, days)
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


def prescription_step(
    prescription: Prescription, days: StepDays = USUAL_DAYS
) -> tuple[NextStepCode, date] | None:
    """The next step with one service of the plan; None if it has ended."""
    asked = london_day(prescription.said.time)
    answer = prescription.reply_said
    answered = london_day(answer.time) if answer else asked
    match prescription.status:
        case "asked":
            return NextStepCode.WAIT_FOR_SERVICE, _days_after(asked, days.answer)
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
            return NextStepCode.REVIEW, _days_after(prescription.started_on or asked, days.review)
        case _:
            return None


def settled(story: ReferralHistory, one: Prescription) -> bool:
    """True if the service has ended, or did not work out and the link worker did something about it.

    That is: prescribed another service for the need, or noted the need as unmet.
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
    """The last fact of a plan in which nothing goes on any more; None while something does."""
    if not story.prescriptions or not all(settled(story, one) for one in story.prescriptions):
        return None
    said = [*map(_latest, story.prescriptions), *(said for _, said in story.unmet)]
    return max(said, key=_in_order)


def _latest(one: Prescription) -> EventRef:
    """The latest fact about a service of the plan."""
    told = (one.said, one.reply_said, one.started_said, one.not_started_said, one.ended_said)
    return max((said for said in told if said is not None), key=_in_order)


def _in_order(said: EventRef) -> tuple[str, str]:
    return said.id, said.source


def _days_after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _happened(story: ReferralHistory) -> Iterator[str]:
    """The ids of facts that may have overtaken a next step that was said."""
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


def _next_step(facts: EffectiveFacts) -> Fields:
    steps = facts.steps()
    if not steps:
        return {}
    step, said = max(steps, key=lambda s: (s[1].id, facts.priority(s[1].source), s[1].source))
    return {"next_step": step, "next_step_said": said}


# The step of the highest (id, priority) is the one said last; any outcome may carry one. The version also
# stands for `step_of`, so it is raised when a derived step or its date changes.
NEXT_STEP = Section(
    name="next_step",
    version=3,
    kinds=frozenset(Outcome.__subclasses__()),
    empty={"next_step": None, "next_step_said": None},
    fold=_next_step,
    needs=(CREATION, ENDINGS, MEETINGS, PLAN, PRESCRIPTIONS, UNMET_NEEDS),
)
