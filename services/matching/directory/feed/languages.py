"""The languages in which a service can be had, as ISO 639 codes."""

from __future__ import annotations

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.records import Record, records_in
from shared.platform.languages import language_code


def read_languages(record: Record, name: str, report: Report) -> tuple[str, ...]:
    """Each language once, in the order of the feed; `name` is the service's id."""
    found = []
    for language in records_in(record, "languages"):
        written = (language.get(key) for key in ("code", "language", "name"))
        code = next(filter(None, (language_code(text) for text in written if isinstance(text, str))), None)
        if code is None:
            report.add(name, "languages", "language_unknown")
        else:
            found.append(code)
    return tuple(dict.fromkeys(found))
