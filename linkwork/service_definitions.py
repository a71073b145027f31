"""The four services as a rebuild needs them: their folds and indexes, without gateways and keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import services.evaluation.collections
import services.evaluation.definition
import services.matching.collections
import services.matching.definition
import services.notifications.collections
import services.notifications.definition
import services.referral.collections
import services.referral.definition
from shared.contract.events.topics import Part
from shared.delivery.rebuild.source import Rebuildable
from shared.platform.localities.versions import load_table


def referral(table: Path) -> Rebuildable:
    """The referral service by a table: a localities file, or an export of the control topic."""
    definition = services.referral.definition.service_definition(load_table(table))
    return Rebuildable(definition, services.referral.collections.ensure_derived_indexes)


def matching(table: Path) -> Rebuildable:
    """The matching service by a table."""
    known = load_table(table)
    definition = services.matching.definition.service_definition(
        known,
        rules=lambda: known.programme_rules,
        fold_rules_version=known.fold_rules_version,
        is_sandbox=known.is_sandbox,
    )
    return Rebuildable(definition, services.matching.collections.ensure_indexes)


def notifications(table: Path) -> Rebuildable:
    """The notifications service by a table."""
    definition = services.notifications.definition.folding_definition(load_table(table))
    return Rebuildable(definition, services.notifications.collections.ensure_indexes)


def evaluation(table: Path) -> Rebuildable:
    """The evaluation service by a table."""
    definition = services.evaluation.definition.service_definition(load_table(table))
    return Rebuildable(definition, services.evaluation.collections.ensure_indexes)


MAKERS: Final[dict[Part, Callable[[Path], Rebuildable]]] = {
    "referral": referral,
    "matching": matching,
    "notifications": notifications,
    "evaluation": evaluation,
}


def maker(service: Part) -> str:
    """The dotted name by which another process imports the service's definition."""
    return f"{__name__}:{MAKERS[service].__name__}"
