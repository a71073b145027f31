"""A rebuild from its beginning to the switch, and the way back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiokafka import TopicPartition
from pymongo.errors import PyMongoError

from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import Leases
from shared.delivery.rebuild.generations import lock, names_of, unlock
from shared.delivery.rebuild.log import Positions
from shared.delivery.rebuild.report import Refused, Report, Say
from shared.delivery.rebuild.shadow_generation import ShadowGeneration
from shared.delivery.rebuild.source import Rebuildable, Source
from shared.delivery.rebuild.switching import CLOSED_SECONDS, LiveRow, NotClosed, Switch, live_row
from shared.delivery.rebuild.watching import Changes
from shared.platform.ids import NewId, new_id

_LEASE: Final = "rebuild"
_LEASE_SECONDS: Final = 20.0
_LOCK_MS: Final = 400


@dataclass
class Rebuild:
    """One service's rebuild. `localities` are those of the file; those in the database are added."""

    source: Source
    localities: Sequence[str]
    say: Say
    processes: int = 2
    accept: bool = False
    """Whether the new generation may tell more than the live one, or something else of the same facts."""
    new_id: NewId = new_id
    part: Rebuildable = field(init=False)
    report: Report | None = field(init=False, default=None)
    """What came of it so far; None before it has begun."""

    def __post_init__(self) -> None:
        self.part = self.source.rebuildable()

    async def anew(self) -> Report:
        """Folds the log into a generation beside the live one and puts it in its place.

        Raises:
            Refused: nothing was changed.
        """
        async with self._alone() as live:
            report = self.report = Report(live.number, live.number + 1)
            async with _told(report), self._side(live, report.number) as side:
                await side.log_must_be_whole()
                try:
                    await side.drop_others()
                except NotClosed as error:
                    raise Refused(f"It was given up: {error}. Try again.") from error
                with report.step("folding the log", self.say):
                    positions = await side.fold_log(report, self.processes, self.say)
                with report.step("indexes", self.say):
                    await side.ensure_indexes()
                await self._level_and_switch(side, report, positions)
            return report

    async def back(self) -> Report:
        """Brings the generation before this one level, and puts it in its place again.

        Raises:
            Refused: there is none, or nothing was changed.
        """
        async with self._alone() as live:
            if live.kept is None:
                raise Refused(
                    "No generation was kept to go back to: a rebuild that begins drops the one before."
                )
            positions = {TopicPartition(topic, part): offset for topic, part, offset in live.marks}
            async with self._side(live, live.kept) as side:
                try:
                    await side.must_be_there()
                except NotClosed as error:
                    raise Refused(f"It was given up: {error}. Try again.") from error
                report = self.report = Report(live.number, live.kept)
                async with _told(report), self._unlocked(side):
                    await side.bring_back(positions)
                    await self._level_and_switch(side, report, positions)
            return report

    async def has_switched(self) -> bool:
        """Whether what it made is live, by the database's word: who was stopped may not have had the answer.

        Raises:
            PyMongoError: the database is away.
        """
        if self.report is None:
            return False
        mongo = Mongo(self.source.mongo_url, self.source.database, name="linkwork rebuild")
        try:
            return (await live_row(mongo)).number == self.report.number
        finally:
            await mongo.close()

    @asynccontextmanager
    async def _unlocked(self, side: ShadowGeneration) -> AsyncIterator[None]:
        """What was kept takes writes again; where it does not become the live one, none, as before."""
        names = names_of(self.part.derived, side.number).values()
        await unlock(side.new, names)
        try:
            yield
        except BaseException:
            with contextlib.suppress(PyMongoError):
                row = await live_row(side.live_mongo)
                if row.state == "open" and row.number != side.number:
                    await lock(side.new, names, _LOCK_MS)
            raise

    def _side(self, live: LiveRow, number: int) -> ShadowGeneration:
        return ShadowGeneration(self.source, self.part, self.localities, live, number)

    async def _level_and_switch(self, side: ShadowGeneration, report: Report, positions: Positions) -> None:
        async with Changes(side.live_mongo, side.live.number, self.new_id) as changes:
            with report.step("comparing", self.say):
                report.compared = await side.compare()
            with report.step("getting level", self.say):
                unlike = await side.get_level(positions, report, changes)
            switch = Switch(side.live_mongo, self.part.derived, side.live)
            try:
                await switch.close()
                try:
                    async with asyncio.timeout(CLOSED_SECONDS - switch.closed_for - 1):
                        marks = await side.finish(positions, unlike, changes, report)
                    self._judge(report)
                    await switch.open(report.number, marks)
                except BaseException:
                    await switch.give_up()
                    raise
            except (NotClosed, TimeoutError) as error:
                raise Refused(f"It was given up: {str(error) or 'it took too long'}. Try again.") from error
            report.switched = True
            report.pause = round(switch.closed_for, 2)
        self.say(f"generation {report.number} is live; nobody could write for {report.pause} s")

    def _judge(self, report: Report) -> None:
        compared = report.compared
        if compared.missing:
            raise Refused(f"The log lacks {compared.missing} facts of the live generation: it stays.")
        if not self.accept and (compared.extra or compared.views or report.figures.unlike):
            raise Refused(
                f"The two differ: {compared.extra} facts more, {compared.views} other views, "
                f"{len(report.figures.unlike)} other rows. Say --accept if the live one is what is wrong."
            )

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[LiveRow]:
        """No other rebuild of this service goes on meanwhile."""
        mongo = Mongo(self.source.mongo_url, self.source.database, name="linkwork rebuild")
        leases = Leases(mongo, self.new_id(), _LEASE_SECONDS)
        try:
            if not await leases.take(_LEASE):
                raise Refused("Another rebuild of this service goes on, or has just died: wait a little.")
            renewing = asyncio.create_task(_renew(leases))
            try:
                live = await live_row(mongo)
                if live.state != "open":
                    raise Refused("A change of generation goes on: wait a little.")
                yield live
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
                await leases.release()
        finally:
            await mongo.close()


@asynccontextmanager
async def _told(report: Report) -> AsyncIterator[None]:
    """Whoever is refused is told how far it came."""
    try:
        yield
    except Refused as refused:
        report.refused, refused.report = str(refused), report
        raise


async def _renew(leases: Leases) -> None:
    while True:
        await asyncio.sleep(_LEASE_SECONDS / 4)
        await leases.take(_LEASE)
