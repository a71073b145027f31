"""What this service hears and what it makes of it: all facts are folded, none calls for a decision.

Whatever it says of its own (a referral made or withdrawn, a person erased) somebody asked it for.
"""

from services.referral.tracking import state as folds
from services.referral.tracking.state import Status
from shared.delivery.model.service_definition import NoResources, ServiceDefinition
from shared.platform.localities import Localities


def service_definition(localities: Localities) -> ServiceDefinition[Status, None]:
    """The referral part, as the kernel drives it."""

    return ServiceDefinition(
        name="referral",
        fold=lambda facts: folds.fold(facts, localities.rank),
        fold_version=folds.VERSION,
        document=folds.document,
        store=NoResources(),
    )
