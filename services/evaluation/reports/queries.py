"""Who may see which figures, and where they come from."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.evaluation.reports.answering import Programme, Question, publishable
from services.evaluation.reports.model import Figures
from services.evaluation.totals.periods import Calendar, Period
from services.evaluation.totals.repository import AddedUp, Rows, read_rows
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock, london_day
from shared.platform.localities import Localities
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError


class Latest:
    """The programme as of the sums that were read last, for as long as they are the very same.

    Each question reads the rows again and compares them: nothing has to be told that it is out of date,
    whichever process wrote, and after a rebuild too. Of rows that changed only these are looked into.
    """

    def __init__(self) -> None:
        self._added_up = AddedUp()
        self._known: tuple[Rows, Calendar, Programme] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def answer(
        self, rows: Rows, names: Mapping[str, str], calendar: Calendar, question: Question
    ) -> Figures:
        """The answer from these rows. Who asks the same meanwhile waits for it."""
        async with self._one_at_a_time:
            # In a thread: it takes a while to work out, and others are waiting for the loop.
            return await asyncio.to_thread(self._answer, rows, names, calendar, question)

    def _answer(
        self, rows: Rows, names: Mapping[str, str], calendar: Calendar, question: Question
    ) -> Figures:
        if self._known is None or self._known[1] != calendar:
            self._known = (rows, calendar, Programme(self._added_up.sums(rows), names, calendar))
        elif self._known[0] != rows:
            self._known = (rows, calendar, self._known[2].after(self._added_up.sums(rows)))
        return self._known[2].figures(question)


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers questions about the programme within what the asker may see."""

    mongo: Mongo
    localities: Localities
    clock: Clock
    latest: Latest = field(default_factory=Latest)

    def calendar(self) -> Calendar:
        """The months that there can be figures for, as of today in London."""
        return Calendar(min(one.live_from for one in self.localities), london_day(self.clock()))

    def places(self, caller: Principal) -> dict[str, str]:
        """The caller's localities by slug, with their names, in the order of the file."""
        return {one.slug: one.name for one in self.localities if caller.may_locality(one.slug)}

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
            Problem: 404 for a locality that is not theirs, 422 for a period that there are no figures for.
            Transient: the database is away.
        """
        places = self.places(caller)
        if locality is not None and locality not in places:
            raise Problem(404)
        calendar = self.calendar()
        exact = sees_exact_counts(caller)
        period = _period(calendar, first, last, exact)
        whole = calendar.since_start
        rows = await self.mongo.transact(lambda tx: read_rows(tx, whole.first, whole.last))
        names = {one.slug: one.name for one in self.localities}
        question = Question((locality,) if locality else tuple(places), period, exact)
        return await self.latest.answer(rows, names, calendar, question)


def sees_exact_counts(caller: Principal) -> bool:
    """Those who manage the programme need exact counts; everybody else sees what could be published."""
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
