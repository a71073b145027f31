"""What evaluation listens to: all three events, of which it makes sums. Subscriptions only, no logic."""

from services.evaluation.contributions.state import FOLD_VERSION, Evaluated, document, fold_with
from services.evaluation.decisions import DECISIONS
from services.evaluation.totals.repository import SUMS, SumStore, add_up
from shared.delivery.model.service_definition import ServiceDefinition
from shared.platform.localities import Localities


def service_definition(localities: Localities) -> ServiceDefinition[Evaluated, None]:
    """Evaluation, as the kernel drives it."""
    return ServiceDefinition(
        name="evaluation",
        fold=fold_with(localities.rank),
        fold_version=FOLD_VERSION,
        document=document,
        store=SumStore(),
        decisions=DECISIONS,
        derived=(SUMS,),
        project=add_up,
    )
