"""Rules of the fold, each with facts that show it and what they must come to: the hand-written vectors."""

from tests.harness.history.rules import (
    became,
    casework,
    counting,
    creation,
    days,
    endings,
    meetings,
    next_step,
    owners,
    prescriptions,
    retraction,
    stage,
    step_of_service,
    step_said,
)
from tests.harness.history.rules.rule import Rule

RULES: dict[str, list[Rule]] = {
    "days.json": days.RULES,
    "retraction.json": retraction.RULES,
    "creation.json": creation.RULES,
    "meetings.json": [*meetings.RULES, *became.RULES],
    "prescriptions.json": prescriptions.RULES,
    "casework.json": casework.RULES,
    "endings.json": endings.RULES,
    "next_step.json": [*next_step.RULES, *step_of_service.RULES, *step_said.RULES],
    "stage.json": stage.RULES,
    "counting.json": [*counting.RULES, *owners.RULES],
}
