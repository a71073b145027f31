"""The real parts, with the localities that their own tests invent. The file's name is the locality's."""

from pathlib import Path

import services.matching.inbound
import services.matching.store
import services.notifications.inbound
import services.notifications.store
from shared.delivery.rebuild.source import Rebuildable
from tests.matching import place as matching_place
from tests.notifications import place as notifications_place


def matching(locality: Path) -> Rebuildable:
    rank = matching_place.programme(locality.name).rank
    return Rebuildable(services.matching.inbound.matching(rank), services.matching.store.ensure_indexes)


def notifications(locality: Path) -> Rebuildable:
    part = services.notifications.inbound.folding(notifications_place.programme(locality.name))
    return Rebuildable(part, services.notifications.store.ensure_indexes)
