"""What evaluation listens to: all three events, of which it makes sums. Subscriptions only, no logic."""

from services.evaluation.decisions import DECISIONS
from services.evaluation.folds import FOLD_VERSION, Evaluated, document, fold_with
from services.evaluation.store import FigureStore
from shared.delivery.part import Part
from shared.story.fold import Rank


def part(rank: Rank) -> Part[Evaluated, None]:
    """Evaluation, as the kernel drives it."""
    return Part(
        name="evaluation",
        fold=fold_with(rank),
        fold_version=FOLD_VERSION,
        document=document,
        store=FigureStore(),
        decisions=DECISIONS,
    )
