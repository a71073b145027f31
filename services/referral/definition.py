"""This service as the kernel drives it: facts are folded, and no fact calls for a decision.

An erasure that another process or owner says empties the vault in the transaction that stores it.
The service's own events follow a request: make or withdraw a referral, change a contact, erase a person.
"""

from services.referral.identity.erasures_heard import ErasuresHeard
from services.referral.referral_state import document, state
from services.referral.referral_state.state import ReferralState
from services.referral.tracking.returned import forget_filed
from shared.delivery.model.service_definition import NoteConflict, ServiceDefinition, nothing_to_note
from shared.platform.clock import Clock, system_clock
from shared.platform.localities import Localities
from shared.platform.localities.rules import step_days


def service_definition(
    localities: Localities, note_conflict: NoteConflict = nothing_to_note, clock: Clock = system_clock
) -> ServiceDefinition[ReferralState, None]:
    """The referral service's fold and document."""
    return ServiceDefinition(
        name="referral",
        fold=lambda facts: state.fold(facts, localities, step_days(localities.programme_rules)),
        fold_version=state.FOLD_VERSION,
        to_document=document.to_document,
        repository=ErasuresHeard(localities, clock),
        fold_rules_version=localities.fold_rules_version,
        is_sandbox=localities.is_sandbox,
        forget=forget_filed,
        note_conflict=note_conflict,
    )
