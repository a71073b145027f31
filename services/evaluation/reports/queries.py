"""Queries of the figures: checks what the caller may see, reads the sums, and caches reports."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.evaluation.reports.model import Figures, PlaceElsewhere
from services.evaluation.reports.programme import FiguresRequest, Programme, publishable
from services.evaluation.totals.periods import Calendar, Period
from services.evaluation.totals.repository import IncrementalSums, Rows, read_rows
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock, london_day
from shared.platform.localities import Localities
from shared.platform.web.owners import Owners, not_owner
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

_PART: Final = "evaluation"


class LatestFigures:
    """The programme as of the latest sums, cached while the sums stay the same.

    Each request reads the rows and compares them. So the cache needs no invalidation after a write of any
    process, or after a rebuild. Only rows that changed are decoded.
    """

    def __init__(self) -> None:
        self._sums = IncrementalSums()
        self._known: tuple[Rows, tuple[Calendar, Mapping[str, str]], Programme] | None = None
        self._lock = asyncio.Lock()

    async def answer(
        self, rows: Rows, names: Mapping[str, str], calendar: Calendar, request: FiguresRequest
    ) -> Figures:
        """Answers a request from these rows. Requests are answered one at a time."""
        async with self._lock:
            # In a thread: the calculation takes a while, and other requests need the event loop.
            return await asyncio.to_thread(self._answer, rows, names, calendar, request)

    def _answer(
        self, rows: Rows, names: Mapping[str, str], calendar: Calendar, request: FiguresRequest
    ) -> Figures:
        # A locality that changes hands leaves the programme's figures at once.
        made_for = (calendar, names)
        if self._known is None or self._known[1] != made_for:
            self._known = (rows, made_for, Programme(self._sums.sums(rows), names, calendar))
        elif self._known[0] != rows:
            self._known = (rows, made_for, self._known[2].with_sums(self._sums.sums(rows)))
        return self._known[2].figures(request)


@dataclass(frozen=True, slots=True)
class FigureQueries:
    """Answers requests for figures within what the caller may see."""

    mongo: Mongo
    localities: Localities
    clock: Clock
    latest: LatestFigures = field(default_factory=LatestFigures)

    def calendar(self) -> Calendar:
        """The months of possible figures, as of today in London."""
        places = self.localities.real or tuple(self.localities)
        return Calendar(min(place.live_from for place in places), london_day(self.clock()))

    def places(self, caller: Principal) -> dict[str, str]:
        """The caller's localities by slug, with their names, in the order of the file.

        A sandbox has no figures, and those of a locality elsewhere are not ours to publish.
        """
        return {slug: name for slug, name in self._ours().items() if caller.may_locality(slug)}

    def elsewhere(self, caller: Principal) -> list[PlaceElsewhere]:
        """The caller's localities whose figures another owner publishes."""
        return [each for each in self._elsewhere() if caller.may_locality(each.place)]

    def _ours(self) -> dict[str, str]:
        others = {each.place for each in self._elsewhere()}
        return {place.slug: place.name for place in self.localities.real if place.slug not in others}

    def _elsewhere(self) -> list[PlaceElsewhere]:
        owners = Owners(self.localities, {})
        return [
            PlaceElsewhere(
                place=place.slug,
                name=place.name,
                owner=owner.name,
                address=owner.address,
                pages=owner.pages,
            )
            for place in self.localities.real
            if (owner := owners.elsewhere(_PART, place.slug)) is not None
        ]

    def periods(self, caller: Principal) -> tuple[Period, ...]:
        """The periods to choose from: everything first, then the latest."""
        calendar = self.calendar()
        months = calendar.months if sees_exact_counts(caller) else ()
        return (*publishable(calendar), *months)

    async def figures(
        self,
        caller: Principal,
        locality: str | None = None,
        first: str | None = None,
        last: str | None = None,
    ) -> Figures:
        """The figures of the programme and of one or all of the caller's localities.

        `first` and `last` are months ("2026-01"), both included.

        Raises:
            Problem: 404 for a locality that is not the caller's, 409 for one whose figures are another
                owner's, 422 for a period without figures.
            Transient: the database is away.
        """
        places = self.places(caller)
        if locality is not None and locality not in places:
            raise self._without_figures(caller, locality)
        calendar = self.calendar()
        exact = sees_exact_counts(caller)
        period = _period(calendar, first, last, exact)
        whole = calendar.since_start
        rows = await self.mongo.transact(lambda tx: read_rows(tx, whole.first, whole.last))
        names = self._ours()
        request = FiguresRequest((locality,) if locality else tuple(places), period, exact)
        found = await self.latest.answer(rows, names, calendar, request)
        return with_elsewhere(found, self._elsewhere())

    def _without_figures(self, caller: Principal, locality: str) -> Problem:
        if caller.may_locality(locality) and self.localities.is_sandbox(locality):
            said = "A sandbox has no figures, because everything in it is invented."
            return Problem(404, code="sandbox", detail=said)
        owner = Owners(self.localities, {}).elsewhere(_PART, locality)
        if caller.may_locality(locality) and owner is not None:
            return not_owner(_PART, owner)
        return Problem(404)


def with_elsewhere(figures: Figures, elsewhere: Sequence[PlaceElsewhere]) -> Figures:
    """The figures with the localities whose figures are another owner's, and a note that says so."""
    if not elsewhere:
        return figures
    notes = [
        f"The figures of {each.name} are published by {each.owner}. They are in none of these figures."
        for each in elsewhere
    ]
    return figures.model_copy(update={"elsewhere": list(elsewhere), "notes": [*notes, *figures.notes]})


def sees_exact_counts(caller: Principal) -> bool:
    """Programme managers need exact counts; all other callers see what could be published."""
    return caller.role == "programme_admin"


def _period(calendar: Calendar, first: str | None, last: str | None, exact: bool) -> Period:
    period = calendar.between(first, last)
    if period is None:
        whole = calendar.since_start
        sentence = f"Use months from {whole.first} to {whole.last}, the first not after the last."
        raise Problem(422, code="invalid", errors=[FieldError("/from", "period", sentence)])
    if not exact and period not in publishable(calendar):
        sentence = (
            "Suppressed figures are given since the start and by whole quarters: with periods that overlap, "
            "what is held back in one could be worked out from another."
        )
        raise Problem(422, code="invalid", errors=[FieldError("/from", "period_not_published", sentence)])
    return period
