"""Folds a referral's facts into its history and its contribution to the figures. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.evaluation.contributions.contribution import contribution_of
from services.evaluation.contributions.measures import Contribution, from_rows, to_rows
from shared.contract.events.fact import Fact
from shared.contract.history import (
    CONTACT_ATTEMPTS,
    MEASURES,
    PLAN,
    STAGE,
    UNMET_NEEDS,
    ReferralHistory,
    SourceTable,
    fold_referral,
    fold_version,
    stage_of,
)

SECTIONS: Final = (CONTACT_ATTEMPTS, MEASURES, PLAN, STAGE, UNMET_NEEDS)
# Raise the first figure when a contribution is counted differently: stored referrals are then counted anew.
FOLD_VERSION: Final = fold_version(5, SECTIONS)


@dataclass(frozen=True, slots=True)
class EvaluationState:
    """A referral as the evaluation service sees it."""

    history: ReferralHistory
    contribution: Contribution


def fold_with(sources: SourceTable) -> Callable[[Sequence[Fact]], EvaluationState]:
    """Makes the fold by one table of sources."""

    def fold(facts: Sequence[Fact]) -> EvaluationState:
        history = fold_referral(facts, sources, SECTIONS)
        return EvaluationState(history, contribution_of(history))

    return fold


def to_document(state: EvaluationState) -> dict[str, Any]:
    """The stored view of a state. It keeps the contribution, to be subtracted when it changes."""
    return {"stage": str(stage_of(state.history)), "summed": to_rows(state.contribution)}


def stored_contribution(document: Mapping[str, Any] | None) -> Contribution:
    """The contribution of a stored view that the sums contain.

    Empty for a new referral, and for one stored by an earlier version, which kept other sums.
    """
    return from_rows(document.get("summed", ())) if document else {}
