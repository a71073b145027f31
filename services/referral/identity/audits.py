"""Audit of every read of a person. The entry is stored before the answer is shown."""

from collections.abc import Iterable
from dataclasses import replace

from shared.delivery.audit.trail import AuditTrail
from shared.platform.web.principal import Principal


class Audits:
    """Writes audit entries of reads to the log and the database."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

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
        await self._trail.reads(reader, action, subjects, purpose)
