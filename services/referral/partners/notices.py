"""Notices: tells a partner's source which of its facts have not counted for ten minutes, once a fact.

The fold says what does not count. The ten minutes begin when a sweep sees the fact, by the clock of the
service: the time that a fact names may be wrong. After a crash, a notice may be told again; its key is the
fact's id.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from services.referral.partners.notice_rows import NoticeRows
from services.referral.partners.refusals import notice_of
from services.referral.partners.table import AdmissionTable
from shared.contract.events.topics import locality_of_source
from shared.delivery.kafka.producer import Producer
from shared.delivery.mongo.leases import Leases
from shared.delivery.mongo.shares import set_name
from shared.platform.clock import Clock

AFTER: Final = timedelta(minutes=10)
LEASE: Final = "notices"
# A sweep and its lease. One process at a time sweeps; another takes over when the lease lapses.
EVERY_SECONDS: Final = 15.0
LEASE_SECONDS: Final = 4 * EVERY_SECONDS
# In one sweep, of one source: referrals looked at, and notices told, which makes 60 a minute.
_REFERRALS: Final = 500
_NOTICES: Final = 15
_log = logging.getLogger(__name__)


class Notices:
    """The sweeps over the facts of the sources of these localities, which are asked each time."""

    def __init__(
        self,
        rows: NoticeRows,
        producer: Producer,
        leases: Leases,
        table: AdmissionTable,
        localities: Collection[str],
        clock: Clock,
    ) -> None:
        """`leases` and `producer` are this object's own."""
        self._rows = rows
        self._producer = producer
        self._leases = leases
        self._table = table
        self._localities = localities
        self._clock = clock
        # The last referral that was looked at, by source. A sweep goes on after it.
        self._after: dict[str, str] = {}

    async def run(self) -> None:
        """Sweeps until cancelled. Whatever fails is tried again."""
        while True:
            try:
                # Processes that serve other localities sweep by themselves.
                if await self._leases.take(f"{LEASE}/{set_name(self._localities)}"):
                    await self.sweep()
            except Exception as error:
                _log.warning("notices wait: %s", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def sweep(self) -> None:
        """Looks at one page of each source's referrals, and tells what is due.

        Raises:
            PyMongoError, KafkaError, OSError: database or broker are away; nothing is lost.
        """
        for source in self._table.partners():
            if locality_of_source(source) in self._localities:
                await self._note(source)
                await self._tell(source)

    async def close(self) -> None:
        """Releases the lease and stops the producer."""
        await self._leases.release()
        await self._producer.close()

    async def _note(self, source: str) -> None:
        found, last = await self._rows.page(source, self._after.get(source, ""), _REFERRALS)
        self._after[source] = last
        await self._rows.note(found, self._clock())

    async def _tell(self, source: str) -> None:
        now = self._clock()
        due = await self._rows.due(source, now - AFTER, _NOTICES)
        if not due:
            return
        results = await self._producer.publish([notice_of(each, now) for each in due])
        told = [each for each, error in zip(due, results, strict=True) if error is None]
        await self._rows.mark_told(told, now)
