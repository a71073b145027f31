"""The stage of a case to which the answers to a questionnaire belong. Pure."""

from datetime import date, timedelta
from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.contract.history import ReferralHistory

# Answers from ten weeks on belong to the follow-up, due at 12 weeks, because some are early.
ASKED_AGAIN: Final = timedelta(weeks=10)


def stage_now(story: ReferralHistory, next_step: NextStep | None, today: date) -> v.Stage:
    """Before, the first time; after, when the follow-up is due or the case is to close; else a review."""
    first = story.measured.get((v.Instrument.ONS4, v.Stage.BEFORE))
    if first is None:
        return v.Stage.BEFORE
    closing = next_step is not None and next_step.code is v.NextStepCode.CLOSE
    return v.Stage.AFTER if closing or today >= first[0].on + ASKED_AGAIN else v.Stage.REVIEW
