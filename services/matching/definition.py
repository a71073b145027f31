"""What comes in: which facts call for which decision, and what is looked at again when due."""

from collections.abc import Sequence

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import DECISIONS, LOOK_AGAIN, look_again
from services.matching.referral_state.state import FOLD_VERSION, View, document, fold
from services.matching.repository import DiaryStore
from shared.contract.events.fact import Fact
from shared.contract.history.fold import SourcePriority
from shared.delivery.model.service_definition import ServiceDefinition


def service_definition(
    rank: SourcePriority, store: DiaryStore | None = None
) -> ServiceDefinition[View, Diaries]:
    """The part as the kernel drives it. `rank`: how much a source's word counts, by the localities file."""

    def folded(facts: Sequence[Fact]) -> View:
        return fold(facts, rank)

    return ServiceDefinition(
        name="matching",
        fold=folded,
        fold_version=FOLD_VERSION,
        to_document=document,
        repository=store or DiaryStore(),
        decisions=DECISIONS,
        tasks={LOOK_AGAIN: look_again},
        exclusive="booker",
    )
