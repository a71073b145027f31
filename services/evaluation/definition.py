"""The evaluation service as the kernel drives it.

The service receives all events and adds them up. It decides nothing and publishes nothing. A due follow-up
is a sum over days (see `follow_up`). Asking for one is the link worker's next step, which matching keeps.
"""

from services.evaluation.collections import SUMS
from services.evaluation.contributions.state import FOLD_VERSION, EvaluationState, fold_with, to_document
from services.evaluation.totals.repository import TotalsRepository
from shared.delivery.model.service_definition import ServiceDefinition
from shared.platform.localities import Localities


def service_definition(localities: Localities) -> ServiceDefinition[EvaluationState, None]:
    """The whole service. A rebuild uses the same definition."""
    totals = TotalsRepository(localities.is_sandbox)
    return ServiceDefinition(
        name="evaluation",
        fold=fold_with(localities),
        fold_version=FOLD_VERSION,
        to_document=to_document,
        repository=totals,
        fold_rules_version=localities.fold_rules_version,
        derived=(SUMS,),
        project=totals.project,
        is_sandbox=localities.is_sandbox,
    )
