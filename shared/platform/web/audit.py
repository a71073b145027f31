"""Audit of reading: one line for each reader, record, person and purpose, as opaque references."""

import logging
import re
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from shared.platform.clock import Clock, system_clock
from shared.platform.web.principal import Principal
from shared.platform.web.security import request_id

log = logging.getLogger("linkwork.audit")

_CODE = re.compile(r"[a-z][a-z0-9_:.-]{0,63}")
_REFERENCE = re.compile(r"[A-Za-z0-9_:-]{6,80}")
_NUMBER = re.compile(r"[0-9]{6,}")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One read or change. `subject_ref` is an opaque reference, never an NHS number."""

    at: datetime
    caller: str
    role: str
    action: str
    subject_ref: str
    purpose: str
    request_id: str

    def document(self) -> dict[str, object]:
        """Plain values, to be stored."""
        return asdict(self)


class AuditSink(Protocol):
    """The store of entries, beside the log."""

    def record(self, entry: AuditEntry) -> Awaitable[None]:
        """Keep the entry. Raising makes the read fail: what cannot be audited is not shown."""
        ...


async def audit(
    caller: Principal,
    action: str,
    subject_ref: str,
    purpose: str,
    *,
    sink: AuditSink | None = None,
    clock: Clock = system_clock,
) -> AuditEntry:
    """Records a reading, before anything is shown.

    An example: `await audit(caller, "read_person", person_ref, "meeting")`. `action` and `purpose` are
    codes. Raises ValueError where the reference could be a number of a person.
    """
    if not _CODE.fullmatch(action) or not _CODE.fullmatch(purpose):
        raise ValueError("action and purpose are codes")
    if not _REFERENCE.fullmatch(subject_ref) or _NUMBER.fullmatch(subject_ref):
        raise ValueError("subject_ref is not an opaque reference")
    entry = AuditEntry(
        at=clock(),
        caller=caller.subject,
        role=caller.role,
        action=action,
        subject_ref=subject_ref,
        purpose=purpose,
        request_id=request_id.get(),
    )
    if sink is not None:
        await sink.record(entry)
    log.info("audit", extra={name: value for name, value in entry.document().items() if name != "at"})
    return entry
