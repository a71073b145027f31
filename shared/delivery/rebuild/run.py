"""A rebuild from its start to the switch, and the way back."""

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
from shared.delivery.rebuild.generations import REBUILD_LEASE, lock, names_of, unlock
from shared.delivery.rebuild.log import Offsets
from shared.delivery.rebuild.report import Progress, Refused, Report
from shared.delivery.rebuild.shadow_generation import ShadowGeneration
from shared.delivery.rebuild.source import Rebuildable, Source
from shared.delivery.rebuild.switching import CLOSED_SECONDS, LiveRow, NotClosed, Switch, live_row
from shared.delivery.rebuild.watching import ChangedReferrals
from shared.platform.ids import NewId, new_id

_LEASE_SECONDS: Final = 20.0
_LOCK_MS: Final = 400


@dataclass
class Rebuild:
    """One service's rebuild.

    Attributes:
        localities: the localities of the file; those in the database are added.
        accept: switch although the new generation has more facts, or other views of the same facts.
        report: the report so far; None before the rebuild has begun.
    """

    source: Source
    localities: Sequence[str]
    say: Progress
    processes: int = 2
    accept: bool = False
    new_id: NewId = new_id
    part: Rebuildable = field(init=False)
    report: Report | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.part = self.source.rebuildable()

    async def run(self) -> Report:
        """Folds the log into a generation beside the live one, which it then replaces.

        Raises:
            Refused: nothing was changed.
        """
        async with self._exclusively() as live:
            report = self.report = Report(live.number, live.number + 1)
            async with _add_report_to_refusal(report), self._shadow(live, report.number) as shadow:
                await shadow.require_whole_log()
                try:
                    await shadow.drop_other_generations()
                except NotClosed as error:
                    raise Refused(f"It was given up: {error}. Try again.") from error
                with report.step("folding the log", self.say):
                    offsets = await shadow.fold_log(report, self.processes, self.say)
                with report.step("indexes", self.say):
                    await shadow.ensure_indexes()
                await self._catch_up_and_switch(shadow, report, offsets)
            return report

    async def back(self) -> Report:
        """Brings the generation before this one up to date, and makes it live again.

        Raises:
            Refused: no generation was kept, or nothing was changed.
        """
        async with self._exclusively() as live:
            if live.kept is None:
                raise Refused(
                    "No generation was kept to go back to: a rebuild that begins drops the one before."
                )
            offsets = {TopicPartition(topic, part): offset for topic, part, offset in live.marks}
            async with self._shadow(live, live.kept) as shadow:
                try:
                    await shadow.require_collections()
                except NotClosed as error:
                    raise Refused(f"It was given up: {error}. Try again.") from error
                report = self.report = Report(live.number, live.kept)
                async with _add_report_to_refusal(report), self._unlocked(shadow):
                    await shadow.replay_dead_letters(offsets)
                    await self._catch_up_and_switch(shadow, report, offsets)
            return report

    async def has_switched(self) -> bool:
        """Asks the database if the new generation is live: a stopped rebuild may have missed the answer.

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
    async def _unlocked(self, shadow: ShadowGeneration) -> AsyncIterator[None]:
        """Opens the kept generation for writes, and locks it again unless it becomes the live one."""
        names = names_of(self.part.derived, shadow.number).values()
        await unlock(shadow.new, names)
        try:
            yield
        except BaseException:
            with contextlib.suppress(PyMongoError):
                row = await live_row(shadow.live_mongo)
                if row.state == "open" and row.number != shadow.number:
                    await lock(shadow.new, names, _LOCK_MS)
            raise

    def _shadow(self, live: LiveRow, number: int) -> ShadowGeneration:
        return ShadowGeneration(self.source, self.part, self.localities, live, number)

    async def _catch_up_and_switch(self, shadow: ShadowGeneration, report: Report, offsets: Offsets) -> None:
        async with ChangedReferrals(shadow.live_mongo, shadow.live.number, self.new_id) as changes:
            with report.step("comparing", self.say):
                report.compared = await shadow.compare()
            with report.step("getting level", self.say):
                unlike = await shadow.catch_up(offsets, report, changes)
            switch = Switch(shadow.live_mongo, self.part.derived, shadow.live)
            try:
                await switch.close()
                try:
                    async with asyncio.timeout(CLOSED_SECONDS - switch.closed_for - 1):
                        marks = await shadow.finish(offsets, unlike, changes, report)
                    self._check(report)
                    await switch.open(report.number, marks)
                except BaseException:
                    await switch.give_up()
                    raise
            except (NotClosed, TimeoutError) as error:
                raise Refused(f"It was given up: {str(error) or 'it took too long'}. Try again.") from error
            report.switched = True
            # Only now: the generation before may lack what this one has.
            await shadow.handled.record({TopicPartition(*at): offset for at, offset in marks.items()})
            report.pause = round(switch.closed_for, 2)
        self.say(f"generation {report.number} is live; nobody could write for {report.pause} s")

    def _check(self, report: Report) -> None:
        compared = report.compared
        if compared.missing:
            raise Refused(f"The log lacks {compared.missing} facts of the live generation: it stays.")
        if not self.accept and (compared.extra or compared.views or report.figures.unlike):
            raise Refused(
                f"The two differ: {compared.extra} facts more, {compared.views} other views, "
                f"{len(report.figures.unlike)} other rows. Say --accept if the live one is what is wrong."
            )

    @asynccontextmanager
    async def _exclusively(self) -> AsyncIterator[LiveRow]:
        """Holds the lease of this service's rebuild."""
        mongo = Mongo(self.source.mongo_url, self.source.database, name="linkwork rebuild")
        leases = Leases(mongo, self.new_id(), _LEASE_SECONDS)
        try:
            if not await leases.take(REBUILD_LEASE):
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
async def _add_report_to_refusal(report: Report) -> AsyncIterator[None]:
    """Adds the report so far to a refusal."""
    try:
        yield
    except Refused as refused:
        report.refused, refused.report = str(refused), report
        raise


async def _renew(leases: Leases) -> None:
    while True:
        await asyncio.sleep(_LEASE_SECONDS / 4)
        await leases.take(REBUILD_LEASE)
