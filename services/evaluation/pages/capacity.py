"""Free times of a locality's diaries in the next weeks, as booking's owner tells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.evaluation.clients.booking import Capacity
from services.evaluation.pages.formatting import number
from services.evaluation.pages.sections import Table
from shared.platform.localities import Localities
from shared.platform.web.dates import short_day


@dataclass(frozen=True, slots=True)
class CapacityShown:
    """The section: tables, or none if the capacity is not known. `owner`: the owner's name, if not us."""

    owner: str | None
    tables: Sequence[Table]


def capacity_shown(capacity: Capacity, name: str, places: Localities) -> CapacityShown:
    """The capacity of the locality of this name in tables."""
    owner = capacity.owner.name if capacity.owner else None
    told = capacity.told
    if told is None:
        return CapacityShown(owner, ())
    weeks = [[f"From {short_day(each.week)}", number(each.times), number(each.free)] for each in told.weeks]
    practices = [
        [_practice(places, each.practice), short_day(each.first_free) if each.first_free else "None yet"]
        for each in told.practices
    ]
    return CapacityShown(
        owner,
        (
            Table(f"{name}: by week", ["Week", "Times", "Free"], weeks),
            Table(f"{name}: by practice", ["Practice", "First free day"], practices),
        ),
    )


def _practice(places: Localities, code: str) -> str:
    found = places.practice(code)
    return found.display_name if found else code
