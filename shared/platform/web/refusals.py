"""Refused requests (401, 403, 409), gathered by caller and minute, so that no flood fills the audit."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from shared.platform.clock import Clock
from shared.platform.web.audit import NOTHING, AuditEntry, AuditKind, is_reference, only_codes
from shared.platform.web.principal import Principal

REFUSED: Final = frozenset({401, 403, 409})
# Entries that one caller and one process can cause in a minute. What exceeds them is counted all the same.
MAX_OF_CALLER: Final = 20
MAX_ENTRIES: Final = 300
_OTHERS: Final = "others"
_NOT_CODE: Final = re.compile(r"[^a-z0-9_]+")


class Refusals:
    """Refusals of one process since the last `drain`. A crash loses them: they changed nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[tuple[str, ...], AuditEntry] = {}
        self._of: Counter[str] = Counter()

    def note(
        self,
        status: int,
        method: str,
        route: str,
        code: str | None,
        caller: Principal | None,
        parameters: dict[str, Any],
        request_id: str,
    ) -> None:
        """Notes one answer if it is a refusal. Unknown callers name no record.

        `route` is the template, never the address.
        """
        if status not in REFUSED:
            return
        who, role = (caller.subject, caller.role) if caller is not None else (NOTHING, NOTHING)
        named = str(parameters.get("referral_id", "")) if caller is not None else ""
        about = named if is_reference(named) else NOTHING
        action = f"{method.lower()}.{_NOT_CODE.sub('.', route.lower()).strip('.')}"[:80]
        codes = only_codes((f"status={status}", code or ""))
        key = (who, role, action, about, *codes)
        if key not in self._entries:
            key, action, about, codes = self._within(key, action, about, codes)
        if key in self._entries:
            known = self._entries[key]
            self._entries[key] = replace(known, times=known.times + 1)
            return
        self._of[who] += 1
        self._entries[key] = AuditEntry(
            at=self._clock(),
            caller=key[0],
            role=key[1],
            action=action,
            subject_ref=about,
            purpose="refused",
            request_id=request_id,
            kind=AuditKind.REFUSAL,
            codes=codes,
        )

    def drain(self) -> list[AuditEntry]:
        """The entries gathered so far, which are forgotten here."""
        entries = list(self._entries.values())
        self._entries.clear()
        self._of.clear()
        return entries

    def _within(
        self, key: tuple[str, ...], action: str, about: str, codes: tuple[str, ...]
    ) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
        """The key itself, or that of all others: of the caller, then of the process."""
        if len(self._entries) >= MAX_ENTRIES:
            return (_OTHERS, NOTHING), _OTHERS, NOTHING, ()
        if self._of[key[0]] >= MAX_OF_CALLER:
            return (key[0], key[1], _OTHERS), _OTHERS, NOTHING, ()
        return key, action, about, codes
