"""Makes up the results of the meeting: the first questionnaire, the plan, the consent to share."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.demo.history import rates
from deploy.demo.history.case import Case
from deploy.demo.history.days import london_day
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v

ITEMS = ("satisfied", "worthwhile", "happy", "anxious")


def first_answers(case: Case, met_at: datetime) -> dict[str, int] | None:
    """Answers to the four questions before any help; None where they were not asked."""
    if not case.chance(rates.MEASURED_BEFORE):
        return None
    level = case.rng.gauss(4.6, 1.7)
    scores = {item: _score(case, level if item != "anxious" else 10.4 - level) for item in ITEMS}
    if case.chance(0.12):
        del scores[case.rng.choice(ITEMS)]
    case.journal.say(
        met_at + timedelta(minutes=2),
        o.Measured,
        instrument=v.Instrument.ONS4,
        stage=v.Stage.BEFORE,
        on=london_day(met_at),
        scores=scores,
    )
    return scores


def last_answers(case: Case, before: dict[str, int], moment: datetime) -> None:
    """Answers to the same questions later: most are somewhat better. Some people do not answer."""
    gain = case.rng.gauss(1.5 if case.visited else 0.4, 1.3)
    scores = {
        item: _score(case, score + (gain if item != "anxious" else -gain), 0.6)
        for item, score in before.items()
    }
    case.journal.say(
        moment,
        o.Measured,
        instrument=v.Instrument.ONS4,
        stage=v.Stage.AFTER,
        on=london_day(moment),
        scores=scores,
    )


def agreed(case: Case, met_at: datetime) -> tuple[v.Need, ...]:
    """Makes up the plan and the agreements that the link worker asks for. Returns the agreed needs."""
    say, rng = case.journal.say, case.rng
    for agreement in (v.Agreement.DETAILS_TO_GP, v.Agreement.FOLLOW_UP):
        answer = v.Agreed.YES if case.chance(0.85) else v.Agreed.NO
        say(met_at + timedelta(minutes=3), o.SharingChanged, agreement=agreement, agreed=answer)
    if case.number % rates.CONTACT_CHANGED_EVERY == 0:
        say(met_at + timedelta(minutes=4), o.ContactChanged, contact=v.SafeToText.RING)
    needs = [need for need in case.needs if need is not v.Need.NOT_SURE]
    if not needs or case.chance(0.2):
        # The reason for the referral and the need found in the meeting often differ.
        needs.append(rng.choice((v.Need.BEFRIENDING, v.Need.EXERCISE, v.Need.CRAFT, v.Need.BENEFITS)))
    settled = tuple(dict.fromkeys(needs))[:3]
    if not case.chance(rates.PLAN_AGREED):
        return settled
    said = met_at + timedelta(minutes=4)
    review = london_day(met_at) + timedelta(days=28)
    say(
        said,
        o.PlanAgreed,
        plan_id=case.journal.id_at(said, "plan"),
        needs=settled,
        goals=tuple(
            o.Goal(
                goal_id=case.journal.id_at(said, "goal", need),
                need=need,
                importance=rng.randint(5, 10),
                confidence=min(10, max(1, round(rng.gauss(5.5, 2)))),
                actions=(o.Action(code=v.ActionCode.GO_TO_SERVICE, review_on=review),),
            )
            for need in settled
        ),
        next_step=o.NextStep(code=v.NextStepCode.REVIEW, on=review),
    )
    return settled


def _score(case: Case, around: float, spread: float = 1.2) -> int:
    return min(10, max(0, round(case.rng.gauss(around, spread))))
