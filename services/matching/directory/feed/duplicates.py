"""Merges records with the same id: a service at another place, or the same service twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.model import Schedule, Service


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service read from a record. `modified`: time of its owner's last change, UTC; None: not known."""

    service: Service
    modified: datetime | None
    listed_by_place: bool


class Deduplicator:
    """Keeps one service for each id, in the order of the feed."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._found: dict[str, Candidate] = {}

    def services(self) -> tuple[Service, ...]:
        """The services that were kept."""
        return tuple(found.service for found in self._found.values())

    def add(self, found: Candidate) -> None:
        """Adds a service. Of two with the same id, merges their places, or keeps the one changed last."""
        service = found.service
        before = self._found.get(service.id)
        if before is None:
            self._found[service.id] = found
        elif _at_another_place(before, found):
            both = _together(before.service, service)
            self._found[service.id] = Candidate(both, found.modified, found.listed_by_place)
        else:
            self._report.add(service.record, "id", "id_duplicate")
            if _is_newer(found.modified, before.modified):
                self._found[service.id] = found


def at_places(schedules: Iterable[Schedule]) -> tuple[Schedule, ...]:
    """Each schedule once. A schedule of the whole service is dropped if a place has the same times."""
    found = tuple(dict.fromkeys(schedules))
    placed = {one.model_copy(update={"place": ""}) for one in found if one.place}
    return tuple(one for one in found if one.place or one not in placed)


def _is_newer(found: datetime | None, before: datetime | None) -> bool:
    return found is not None and (before is None or found > before)


def _at_another_place(before: Candidate, found: Candidate) -> bool:
    """True if both are one service that is listed once for each of its places."""
    listed = before.listed_by_place and found.listed_by_place
    if before.modified != found.modified or not (listed or _has_more_places(before.service, found.service)):
        return False
    # Only times, telephone and location differ between the places of one service.
    of_place = {"locations", "schedules", "telephone"}
    same = before.service.model_dump(exclude=of_place) == found.service.model_dump(exclude=of_place)
    return same and (before.service != found.service)


def _has_more_places(before: Service, found: Service) -> bool:
    return not set(found.locations) <= set(before.locations)


def _together(before: Service, found: Service) -> Service:
    return before.model_copy(
        update={
            "locations": tuple(dict.fromkeys((*before.locations, *found.locations))),
            "schedules": at_places((*before.schedules, *found.schedules)),
            "telephone": before.telephone or found.telephone,
        }
    )
