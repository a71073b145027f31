"""What this service hears and what it makes of it: all facts are folded, none calls for a decision.

Whatever it says of its own (a referral made or withdrawn, a person erased) somebody asked it for.
"""

from services.referral.referral_state import state as folds
from services.referral.referral_state.state import ReferralState
from shared.delivery.model.service_definition import NoRepository, ServiceDefinition
from shared.platform.localities import Localities


def service_definition(localities: Localities) -> ServiceDefinition[ReferralState, None]:
    """The referral part, as the kernel drives it."""

    return ServiceDefinition(
        name="referral",
        fold=lambda facts: folds.fold(facts, localities.rank),
        fold_version=folds.VERSION,
        to_document=folds.to_document,
        repository=NoRepository(),
    )
