"""The end of a case, and its corrections afterwards."""

from __future__ import annotations

from datetime import datetime

from deploy.demo.chance import pick
from deploy.demo.history import rates
from deploy.demo.history.case import Case
from deploy.demo.history.meeting import later
from deploy.demo.history.plan import last_answers
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v

# A single person of the history asked to be erased.
ERASED = 61


def closed(case: Case, before: dict[str, int] | None, last: datetime) -> None:
    """Makes up a follow-up call, the last questions and the end. Some people come back."""
    say = case.journal.say
    call = later(case, last, 2, 6)
    say(call, o.ContactAttempted, channel=v.Channel.PHONE, reached=case.chance(0.8))
    moment = later(case, call, 1, 5)
    if before and case.chance(rates.MEASURED_AFTER):
        last_answers(case, before, moment)
    moment = later(case, moment, 0, 2)
    reason = v.CloseReason.COMPLETED
    if not case.visited:
        reason = pick(
            case.rng,
            {
                v.CloseReason.COMPLETED: 40,
                v.CloseReason.NO_LONGER_WANTS: 25,
                v.CloseReason.NOT_REACHED: 15,
                v.CloseReason.NOTHING_SUITABLE: 15,
                v.CloseReason.MOVED_AWAY: 5,
            },
        )
    end = say(moment, o.ReferralClosed, reason=reason)
    if case.number % rates.REOPENED_EVERY == 0:
        _came_back(case, end, moment)
    if case.number == ERASED:
        person = case.journal.id_at(case.began, "person")
        say(later(case, moment, 1, 5), o.PersonErased, person_ref=person)


def put_right(case: Case) -> None:
    """Makes up a correction: a link worker notices a fact entered by mistake and takes it back."""
    if case.number % rates.RETRACTED_EVERY:
        return
    wrong = case.journal.say(
        later(case, case.began, 9, 9), o.ContactAttempted, channel=v.Channel.PHONE, reached=True
    )
    case.journal.say(
        later(case, case.began, 10, 12),
        o.Retracted,
        event_source=case.journal.source,
        event_id=wrong,
        reason=v.RetractReason.WRONG_PERSON if case.chance(0.5) else v.RetractReason.ENTERED_IN_ERROR,
    )


def _came_back(case: Case, end: str, moment: datetime) -> None:
    back = later(case, moment, 2, 6)
    case.journal.say(
        back,
        o.ReferralReopened,
        ends_source=case.journal.source,
        ends_id=end,
        next_step=o.NextStep(code=v.NextStepCode.RING, on=later(case, back, 2, 4).date()),
    )
    case.journal.say(later(case, back, 1, 4), o.ContactAttempted, channel=v.Channel.PHONE, reached=True)
    case.journal.say(later(case, back, 7, 14), o.ReferralClosed, reason=v.CloseReason.COMPLETED)
