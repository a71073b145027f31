"""What evaluation listens to: all three events, of which it makes sums. Subscriptions only, no logic."""

from services.evaluation.decisions import DECISIONS
from services.evaluation.folds import FOLD_VERSION, Evaluated, document, fold_with
from services.evaluation.store import SUMS, SumStore, add_up
from shared.delivery.part import Part
from shared.events.topics import locality_of_source
from shared.localities import Localities


def part(localities: Localities) -> Part[Evaluated, None]:
    """Evaluation, as the kernel drives it."""

    def rank(source: str) -> int:
        place = localities.by_slug.get(locality_of_source(source) or "")
        return place.rank(source) if place else 0

    return Part(
        name="evaluation",
        fold=fold_with(rank),
        fold_version=FOLD_VERSION,
        document=document,
        store=SumStore(),
        decisions=DECISIONS,
        derived=(SUMS,),
        project=add_up,
    )
