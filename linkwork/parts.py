"""The four parts as a rebuild needs them: what they fold, which indexes they ask for; no gateway, no key."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import services.evaluation.inbound
import services.evaluation.store
import services.matching.inbound
import services.matching.store
import services.notifications.inbound
import services.notifications.store
import services.referral.inbound
import services.referral.store
from shared.delivery.rebuild.source import Rebuildable
from shared.events.topics import Part
from shared.localities import load_localities


def referral(localities_file: Path) -> Rebuildable:
    part = services.referral.inbound.part(load_localities(localities_file))
    return Rebuildable(part, services.referral.store.ensure_derived_indexes)


def matching(localities_file: Path) -> Rebuildable:
    part = services.matching.inbound.matching(load_localities(localities_file).rank)
    return Rebuildable(part, services.matching.store.ensure_indexes)


def notifications(localities_file: Path) -> Rebuildable:
    part = services.notifications.inbound.folding(load_localities(localities_file))
    return Rebuildable(part, services.notifications.store.ensure_indexes)


def evaluation(localities_file: Path) -> Rebuildable:
    part = services.evaluation.inbound.part(load_localities(localities_file))
    return Rebuildable(part, services.evaluation.store.ensure_indexes)


MAKERS: Final[dict[Part, Callable[[Path], Rebuildable]]] = {
    "referral": referral,
    "matching": matching,
    "notifications": notifications,
    "evaluation": evaluation,
}


def maker(service: Part) -> str:
    """The name by which another process finds the part."""
    return f"{__name__}:{MAKERS[service].__name__}"
