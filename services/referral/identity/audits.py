"""Who read what of whom: kept in the database before anything is shown."""

from collections.abc import Iterable
from dataclasses import replace

from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.web.audit import AuditEntry, audit
from shared.platform.web.caller import Principal

AUDIT = "audit"


class Audits:
    """Writes entries to the log and the database. What cannot be written down is not shown."""

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
        """Notes that the caller reads these persons or referrals, by opaque reference.

        Raises what the database raises where it is away: then nothing may be shown.
        """
        who = replace(caller, subject=f"{caller.subject} for {on_behalf_of}") if on_behalf_of else caller
        gathered = _Gathered()
        for subject in subjects:
            await audit(who, action, subject, purpose, sink=gathered, clock=self._clock)
        if gathered.entries:
            await self._mongo[AUDIT].insert_many([entry.document() for entry in gathered.entries])


class _Gathered:
    """Keeps entries until they are written together: a page of cases is one write."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)
