"""The measured service: it folds each referral and answers an open one with a meeting."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked
from shared.contract.events.topics import SourcePart, our_parts
from shared.contract.history import ReferralHistory, fold_referral, stage_of
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext
from shared.delivery.model.service_definition import NoRepository, ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.source import Rebuildable


class _Sources:
    """Ours alone, of which booking's word weighs most."""

    def rank(self, source: str) -> int:
        return 1 if "booking" in our_parts(source) else 0

    def parts(self, source: str) -> frozenset[SourcePart]:
        return our_parts(source)


_SOURCES: Final = _Sources()


def _fold(facts: Sequence[Fact]) -> ReferralHistory:
    return fold_referral(facts, _SOURCES)


def _document(story: ReferralHistory) -> dict[str, Any]:
    created, active = story.created, story.active
    return {
        "stage": stage_of(story).value,
        "practice": created.practice if created else None,
        "needs": [need.value for need in created.needs] if created else [],
        "link_worker": story.link_worker,
        "meeting": None
        if active is None
        else {"id": active.booked.meeting_id, "at": active.booked.starts_at},
    }


def _book(story: ReferralHistory, _: None, context: DecisionContext) -> Decision:
    """Books a meeting tomorrow for an open referral that has none."""
    if not story.open or story.active is not None or story.attended or story.created is None:
        return NOTHING
    return Decision(
        [
            MeetingBooked(
                referral_id=context.referral_id,
                locality=context.locality,
                meeting_id=context.new_id(),
                sequence=len(story.meetings),
                link_worker=f"lw-{context.locality}-1",
                practice=story.created.practice,
                starts_at=context.now + timedelta(days=1),
                minutes=45,
            )
        ]
    )


MEETINGS: Final[ServiceDefinition[ReferralHistory, None]] = ServiceDefinition(
    name="matching",
    fold=_fold,
    fold_version=1,
    to_document=_document,
    repository=NoRepository(),
    decisions={"referral_created": _book},
)


def rebuildable(_: Path) -> Rebuildable:
    """The service as a rebuild needs it; it ignores the localities file."""
    return Rebuildable(MEETINGS, _no_more_indexes)


async def _no_more_indexes(_: Mongo) -> None:
    """Creates no index beyond the kernel's."""
