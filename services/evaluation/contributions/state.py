"""Evaluation's view of a referral: its story, and what it adds to the figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.evaluation.contributions.contribution import contribution_of
from services.evaluation.contributions.measures import Contribution, restored, stored
from shared.contract.events.fact import Fact
from shared.contract.history import ReferralHistory, fold_referral, stage_of
from shared.contract.history.fold import SourcePriority

FOLD_VERSION = 5
"""Raise this when a contribution is counted differently: stored referrals are folded and counted anew."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A referral as the figures see it."""

    story: ReferralHistory
    contribution: Contribution


def fold_with(rank: SourcePriority) -> Callable[[Sequence[Fact]], Evaluated]:
    """The fold, with the localities' word on whose facts count for more."""

    def fold(facts: Sequence[Fact]) -> Evaluated:
        story = fold_referral(facts, rank)
        return Evaluated(story, contribution_of(story))

    return fold


def document(view: Evaluated) -> dict[str, Any]:
    """What is stored beside the facts: the contribution, to be taken off the sums when it changes."""
    return {"stage": str(stage_of(view.story)), "summed": stored(view.contribution)}


def counted(document: Mapping[str, Any] | None) -> Contribution:
    """The contribution that a stored view document says is in the sums.

    Nothing for a new referral, nor for one stored by an earlier version, which had other sums.
    """
    return restored(document.get("summed", ())) if document else {}
