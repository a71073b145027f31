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
from shared.platform.localities import load_localities


def referral(localities_file: Path) -> Rebuildable:
    """The referral service."""
    definition = services.referral.definition.service_definition(load_localities(localities_file))
    return Rebuildable(definition, services.referral.collections.ensure_derived_indexes)


def matching(localities_file: Path) -> Rebuildable:
    """The matching service."""
    definition = services.matching.definition.service_definition(load_localities(localities_file).rank)
    return Rebuildable(definition, services.matching.collections.ensure_indexes)


def notifications(localities_file: Path) -> Rebuildable:
    """The notifications service."""
    definition = services.notifications.definition.folding_definition(load_localities(localities_file))
    return Rebuildable(definition, services.notifications.collections.ensure_indexes)


def evaluation(localities_file: Path) -> Rebuildable:
    """The evaluation service."""
    definition = services.evaluation.definition.service_definition(load_localities(localities_file))
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
