"""The state of one referral, folded from its facts, as every feature of this service sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.topics import our_parts
from shared.contract.history import (
    CONTACT,
    NEXT_STEP,
    SHARING,
    STAGE,
    EffectiveFacts,
    ReferralHistory,
    SourceTable,
    Stage,
    Uncounted,
    fold_referral,
    fold_version,
    stage_of,
    uncounted,
)
from shared.contract.history.next_step import USUAL_DAYS, StepDays, step_of
from shared.platform.clock import london_day

SECTIONS: Final = (CONTACT, NEXT_STEP, SHARING, STAGE)
# Raise the figure when `fold` or `to_document` change: the service then folds stored referrals again.
FOLD_VERSION: Final = fold_version(9, SECTIONS)

# Code of the next event if there is no appointment: the link worker is in touch by the promised day.
IN_TOUCH: Final = "in_touch"


class NotOpen(Exception):
    """The referral has ended, or was never made."""


@dataclass(frozen=True, slots=True)
class NextEvent:
    """The next event, as a code of `NextStepCode` or `in_touch`, and its day. `at` is a meeting's time."""

    what: str
    on: date
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReferralState:
    """One referral: its history, its stage and the next event.

    Attributes:
        uncounted: facts of partners' sources that do not count, or not yet.
    """

    story: ReferralHistory
    stage: Stage
    next: NextEvent | None
    uncounted: tuple[Uncounted, ...] = ()

    @property
    def unanswered_since(self) -> datetime | None:
        """The time since which the owner of booking owes an answer: a meeting, or a reason for none.

        None if the referral has an answer, needs none, or is not known yet.
        """
        story = self.story
        if story.created_said is None or not story.open:
            return None
        if story.active is not None or story.attended or story.waiting is not None:
            return None
        lost = [meeting.outcome.recorded for meeting in story.meetings if meeting.outcome is not None]
        return max([story.created_said.recorded, *lost])


def fold(facts: Sequence[Fact], sources: SourceTable, days: StepDays = USUAL_DAYS) -> ReferralState:
    """The state that these facts give, in whatever order they arrived. `days`: by the programme's rules."""
    effective = EffectiveFacts(facts, sources)
    story = fold_referral(facts, sources, SECTIONS, effective)
    return ReferralState(
        story, stage_of(story), _next(story, days), _uncounted_of_partners(facts, sources, effective)
    )


def _uncounted_of_partners(
    facts: Sequence[Fact], sources: SourceTable, effective: EffectiveFacts
) -> tuple[Uncounted, ...]:
    if all(our_parts(fact.source) for fact in facts):
        return ()  # Most referrals, which then cost nothing more.
    return tuple(each for each in uncounted(facts, sources, effective) if not our_parts(each.fact.source))


def _next(story: ReferralHistory, days: StepDays) -> NextEvent | None:
    if not story.open:
        return None
    if story.active is not None:
        at = story.active.booked.starts_at
        return NextEvent(v.NextStepCode.MEET, london_day(at), at)
    step = step_of(story, days)
    if step is None:
        return None
    promised = step.derived and story.waiting is not None and not (story.attended or story.prescriptions)
    return NextEvent(IN_TOUCH if promised else step.code, step.on)
