"""Audit of every read of a person. The entry is stored before the answer is shown."""

from collections.abc import Iterable
from dataclasses import replace

from services.referral.collections import AUDIT
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.web.audit import AuditEntry, audit
from shared.platform.web.principal import Principal


class Audits:
    """Writes audit entries to the log and the database."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._clock = clock

    async def reads(
        self,
        caller: Principal,
        action: str,
        subjects: Iterable[str],
        purpose: str,
        on_behalf_of: str | None = None,
    ) -> None:
        """Records that the caller reads these people or referrals, given as opaque references.

        Raises the database's error if it is unavailable. The caller must then show nothing.
        """
        reader = replace(caller, subject=f"{caller.subject} for {on_behalf_of}") if on_behalf_of else caller
        batch = _Batch()
        for subject in subjects:
            await audit(reader, action, subject, purpose, sink=batch, clock=self._clock)
        if batch.entries:
            await self._mongo[AUDIT].insert_many([entry.document() for entry in batch.entries])


class _Batch:
    """Holds the entries of one page, so that they are one write."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)
