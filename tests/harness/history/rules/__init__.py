"""Rules of the fold, each with facts that show it and what they must come to: the hand-written vectors."""

from tests.harness.history.rules import (
    casework,
    counting,
    creation,
    endings,
    meetings,
    next_step,
    prescriptions,
    retraction,
    stage,
)
from tests.harness.history.rules.rule import Rule

RULES: dict[str, list[Rule]] = {
    "retraction.json": retraction.RULES,
    "creation.json": creation.RULES,
    "meetings.json": meetings.RULES,
    "prescriptions.json": prescriptions.RULES,
    "casework.json": casework.RULES,
    "endings.json": endings.RULES,
    "next_step.json": next_step.RULES,
    "stage.json": stage.RULES,
    "counting.json": counting.RULES,
}
