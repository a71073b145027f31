"""Follows the owners of parts: stands back where the table says so, and takes over what is ours again.

A part is ours again once the table in force names us in a later epoch, and the handled offsets have passed
the marker of that epoch in every partition of the three topics. Tasks of former epochs are void, then every
open referral is looked at. A restored database takes its parts over in the same way, from itself.
"""

import asyncio
import contextlib
import logging
from datetime import datetime
from typing import Final, Generic

from aiokafka import TopicPartition
from pymongo.errors import PyMongoError

from shared.contract.events.topics import SourcePart, event_topics
from shared.delivery.consumer.markers import MARKERS
from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.ownership.flip import CannotFlip, end_hold, stand_back, take_over
from shared.delivery.ownership.look import has_looked, look_at_all
from shared.delivery.ownership.ownership import Ownership
from shared.delivery.ownership.standing import agrees, comes_back, has_passed
from shared.delivery.restored.catching_up import forget_restore, has_caught_up
from shared.delivery.scheduler.effects import give_up_maybe_sent
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS
from shared.platform import metrics

EVERY_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class OwnerWatch(Generic[V, R]):
    """Keeps a process's knowledge of ownership, and changes standings as the table says."""

    def __init__(self, context: ServiceContext[V, R], ownership: Ownership) -> None:
        self._context = context
        self._ownership = ownership
        self._mongo = context.mongo
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Another table is in force."""
        self._woken.set()

    async def run(self) -> None:
        """Follows for ever. Continues after a failure of the database."""
        while True:
            self._woken.clear()
            try:
                await self.follow()
            except (PyMongoError, Transient) as error:
                _log.warning("owners are not followed: %s", type(error).__name__)
            except Exception:
                _log.exception("owners are not followed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), EVERY_SECONDS)

    async def follow(self) -> None:
        """Reads the standings, and changes those that the table has overtaken.

        Raises:
            PyMongoError, Transient: the database is away.
        """
        await self._ownership.refresh()
        for locality, part in self._ownership.keys:
            await self._follow_one(locality, part)
        self._observe()

    async def _follow_one(self, locality: str, part: SourcePart) -> None:
        standing, table = self._ownership.standing(locality, part), self._ownership.table(locality, part)
        if standing.held:
            await self._catch_up(locality, part)
        elif standing.decides and not agrees(standing, table):
            _log.warning("the table names another owner: %s stands back", part, extra={"locality": locality})
            with contextlib.suppress(CannotFlip):  # Another process knows a later epoch.
                await stand_back(self._mongo, locality, part, table.epoch)
            await self._ownership.refresh()
        elif comes_back(standing, table):
            await self._follow_markers(locality, part, table.epoch)
        elif standing.decides and not standing.looked:
            if self._looks(part):
                await look_at_all(self._context, locality, standing.epoch)
            else:
                await has_looked(self._mongo, (locality, part), standing.epoch)
            await self._ownership.refresh()
        elif standing.restored_at is not None:
            if part == self._context.definition.decides_as:
                await give_up_maybe_sent(self._context, locality, standing.restored_at)
            await forget_restore(self._mongo, (locality, part))
            await self._ownership.refresh()

    async def _catch_up(self, locality: str, part: SourcePart) -> None:
        """Ends the hold of a restored database once its facts reach the end of the log."""
        if not await has_caught_up(self._context, (locality, part)):
            return
        await self._delete_tasks(locality, part, {})
        await end_hold(self._mongo, locality, part)
        _log.warning("%s was restored and knows the log again", part, extra={"locality": locality})
        await self._ownership.refresh()

    async def _delete_tasks(self, locality: str, part: SourcePart, which: Document) -> None:
        """Deletes tasks that decide. Nobody schedules while nobody decides, so that none comes later."""
        if part == self._context.definition.decides_as:
            effects = list(self._context.definition.effects)
            await self._mongo[TASKS].delete_many({"locality": locality, "what": {"$nin": effects}, **which})

    async def _follow_markers(self, locality: str, part: SourcePart, epoch: int) -> None:
        """Takes the part over, once every marker of this epoch has been passed."""
        handled = await HandledOffsets(self._mongo, locality).read()
        which = {"locality": locality, "part": part, "epoch": epoch}
        rows = await self._mongo[MARKERS].find(which).to_list(None)
        places = {TopicPartition(row["topic"], row["partition"]): row["offset"] for row in rows}
        if has_passed(event_topics(locality), handled, places):
            await self._take_over(locality, part, epoch, min(row["time"] for row in rows))

    async def _take_over(self, locality: str, part: SourcePart, epoch: int, since: datetime) -> None:
        former = {"$or": [{"epoch": {"$lt": epoch}}, {"epoch": {"$exists": False}}]}
        await self._delete_tasks(locality, part, former)
        await take_over(self._mongo, locality, part, epoch, since, looks=self._looks(part))
        _log.info("%s is ours from epoch %d on", part, epoch, extra={"locality": locality})
        await self._ownership.refresh()

    def _looks(self, part: SourcePart) -> bool:
        definition = self._context.definition
        return definition.look is not None and part == definition.decides_as

    def _observe(self) -> None:
        name = self._context.definition.name
        for locality, part in self._ownership.keys:
            standing = self._ownership.standing(locality, part)
            decides = self._ownership.owns(locality, part)
            metrics.part_decides.labels(name, locality, part).set(decides)
            metrics.part_epoch.labels(name, locality, part).set(standing.epoch)
