"""One record's audit from all services: merged, a page at a time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.delivery.audit.api import AuditLine

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and the service that keeps it."""

    service: str
    entry: AuditLine


@dataclass(frozen=True, slots=True)
class RecordAudit:
    """A page of entries, the latest first. `before`: asks for the next page; None at the end.

    `silent`: services that did not answer, whose entries are missing.
    """

    lines: tuple[Line, ...]
    silent: tuple[str, ...]
    before: datetime | None


def merged(
    found: Mapping[str, Sequence[AuditLine]], silent: Iterable[str] = (), page: int = PAGE
) -> RecordAudit:
    """The latest entries of all services. Each has been asked for one more than a page.

    Entries of one instant are not parted between pages, so that none is left out.
    """
    lines = [Line(service, entry) for service, entries in found.items() for entry in entries]
    lines.sort(key=lambda line: (line.entry.at, line.service), reverse=True)
    if len(lines) <= page:
        return RecordAudit(tuple(lines), tuple(silent), None)
    cut = lines[page].entry.at
    shown = [line for line in lines if line.entry.at > cut]
    if not shown:
        return RecordAudit(tuple(lines), tuple(silent), cut)
    return RecordAudit(tuple(shown), tuple(silent), cut + timedelta(milliseconds=1))
