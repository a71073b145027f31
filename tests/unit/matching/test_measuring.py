"""The same questions again: a review, or the follow-up that the figures count."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.matching.casework.questionnaires import stage_now
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.outcomes import Measured, NextStep
from shared.contract.history import ReferralHistory
from shared.platform.ids import new_id

FIRST = date(2026, 9, 1)


def asked_once() -> ReferralHistory:
    measured = Measured(
        referral_id=new_id(),
        locality="meir",
        instrument=v.Instrument.ONS4,
        stage=v.Stage.BEFORE,
        on=FIRST,
        scores={"happy": 4},
    )
    at = datetime(2026, 9, 1, 10, tzinfo=UTC)
    said = Fact("/meir/matching", new_id(), "outcome-recorded", at, at, measured)
    return ReferralHistory(measured={(v.Instrument.ONS4, v.Stage.BEFORE): (measured, said)})


def test_the_first_answers_are_those_before() -> None:
    closing = NextStep(code=v.NextStepCode.CLOSE, on=FIRST)
    assert stage_now(ReferralHistory(), closing, FIRST) is v.Stage.BEFORE


@pytest.mark.parametrize(
    ("days", "code", "stage"),
    [
        (69, v.NextStepCode.RING, v.Stage.REVIEW),
        (70, v.NextStepCode.RING, v.Stage.AFTER),
        (84, None, v.Stage.AFTER),
        (14, v.NextStepCode.CLOSE, v.Stage.AFTER),
        (14, None, v.Stage.REVIEW),
    ],
)
def test_later_answers(days: int, code: v.NextStepCode | None, stage: v.Stage) -> None:
    today = FIRST + timedelta(days=days)
    step = NextStep(code=code, on=today) if code else None
    assert stage_now(asked_once(), step, today) is stage
