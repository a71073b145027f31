"""The real parts, with the localities that their own tests invent. The file's name is the locality's."""

from pathlib import Path

import services.matching.collections
import services.matching.definition
import services.notifications.collections
import services.notifications.definition
from shared.delivery.rebuild.source import Rebuildable
from tests.harness.matching import service_harness as matching_place
from tests.harness.notifications import service_harness as notifications_place


def matching(locality: Path) -> Rebuildable:
    known = matching_place.programme(locality.name)
    return Rebuildable(
        services.matching.definition.service_definition(known), services.matching.collections.ensure_indexes
    )


def notifications(locality: Path) -> Rebuildable:
    part = services.notifications.definition.folding_definition(notifications_place.programme(locality.name))
    return Rebuildable(part, services.notifications.collections.ensure_indexes)
