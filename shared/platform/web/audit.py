"""Audit entries: who read or changed what, when and as what, as opaque references and codes."""

import logging
import re
from collections.abc import Awaitable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from shared.platform.clock import Clock, system_clock
from shared.platform.web.principal import Principal
from shared.platform.web.security import request_id

log = logging.getLogger("linkwork.audit")

MAX_CODES: Final = 40
# The reference of an entry that is about no record.
NOTHING: Final = "-"
_CODE = re.compile(r"[a-z][a-z0-9_:.=-]{0,79}")
_REFERENCE = re.compile(r"[A-Za-z0-9_:-]{6,80}")
_NUMBER = re.compile(r"[0-9]{6,}")


class AuditKind(StrEnum):
    """The sort of thing that an entry records."""

    READ = "read"
    CHANGE = "change"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One read, change or refusal. `subject_ref` is an opaque reference, never an NHS number.

    Attributes:
        caller: the subject of the token.
        subject_ref: a referral or a person, or `NOTHING`.
        codes: names of changed fields, kinds of facts, and codes. No free text.
        actor: the word by which events name the caller; empty where no event follows.
        times: how often the same was refused within the minute.
    """

    at: datetime
    caller: str
    role: str
    action: str
    subject_ref: str
    purpose: str
    request_id: str
    kind: AuditKind = AuditKind.READ
    locality: str = ""
    codes: tuple[str, ...] = ()
    actor: str = ""
    times: int = 1

    def document(self) -> dict[str, object]:
        """Plain values, to be stored."""
        return asdict(self) | {"kind": self.kind.value, "codes": list(self.codes)}


@dataclass(frozen=True, slots=True)
class Change:
    """A change by a person, to be audited in its transaction.

    Attributes:
        codes: what is not told by the facts of a command.
        locality, subject_ref: of a change that is no command about a referral.
    """

    caller: Principal
    action: str
    actor: str = ""
    codes: tuple[str, ...] = ()
    locality: str = ""
    subject_ref: str = NOTHING
    request_id: str = field(default_factory=request_id.get)

    def entry(
        self, at: datetime, codes: Iterable[str] = (), *, locality: str = "", subject_ref: str = ""
    ) -> AuditEntry:
        """The entry of this change. Raises ValueError for a reference or an action that is no code."""
        about = subject_ref or self.subject_ref
        if about != NOTHING:
            _check_reference(about)
        if not _CODE.fullmatch(self.action):
            raise ValueError("action is a code")
        return AuditEntry(
            at=at,
            caller=self.caller.subject,
            role=self.caller.role,
            action=self.action,
            subject_ref=about,
            purpose="change",
            request_id=self.request_id,
            kind=AuditKind.CHANGE,
            locality=locality or self.locality,
            codes=only_codes((*self.codes, *codes)),
            actor=self.actor,
        )


class AuditSink(Protocol):
    """The store of entries, beside the log."""

    def record(self, entry: AuditEntry) -> Awaitable[None]:
        """Keep the entry. Raising makes the read fail: what cannot be audited is not shown."""
        ...


def only_codes(words: Iterable[str]) -> tuple[str, ...]:
    """These words, each once and at most 40 of them. Leaves out all that is no code, such as free text."""
    found = dict.fromkeys(word for word in words if _CODE.fullmatch(word))
    return tuple(found)[:MAX_CODES]


def is_reference(text: str) -> bool:
    """True if a text can be an opaque reference, and no number of a person."""
    return _REFERENCE.fullmatch(text) is not None and _NUMBER.fullmatch(text) is None


async def audit(
    caller: Principal,
    action: str,
    subject_ref: str,
    purpose: str,
    *,
    sink: AuditSink | None = None,
    clock: Clock = system_clock,
    locality: str = "",
    kind: AuditKind = AuditKind.READ,
) -> AuditEntry:
    """Records a reading, before anything is shown.

    An example: `await audit(caller, "read_person", person_ref, "meeting")`. `action` and `purpose` are
    codes. Raises ValueError where the reference could be a number of a person.
    """
    if not _CODE.fullmatch(action) or not _CODE.fullmatch(purpose):
        raise ValueError("action and purpose are codes")
    _check_reference(subject_ref)
    entry = AuditEntry(
        at=clock(),
        caller=caller.subject,
        role=caller.role,
        action=action,
        subject_ref=subject_ref,
        purpose=purpose,
        request_id=request_id.get(),
        kind=kind,
        locality=locality,
    )
    if sink is not None:
        await sink.record(entry)
    log.info("audit", extra={name: value for name, value in entry.document().items() if name != "at"})
    return entry


def _check_reference(subject_ref: str) -> None:
    if not is_reference(subject_ref):
        raise ValueError("subject_ref is not an opaque reference")
