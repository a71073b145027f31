"""Checks of admission: each record of an inbox has its copy, unchanged, and no good one was refused."""

import json
from collections.abc import Iterator

from aiokafka.partitioner import murmur2

from chaos.evidence import Evidence, Finding
from chaos.log import Entry

OFFSET, INBOX = "linkwork-inbox-offset", "linkwork-inbox"
# The last word of the inboxes of the partner that refers. Partners that book have checks of their own.
REFERS = b"history"
# Beside refusals: an accepted fact that waits for others before it counts.
NOTICE = "does_not_count_yet"


def admitted(evidence: Evidence) -> Iterator[Finding]:
    """Checks the copies. A record may have two after a crash; readers count it once, as other checks show."""
    copies: dict[tuple[bytes, bytes], list[Entry]] = {}
    for entry in evidence.log:
        named = dict(entry.headers)
        if (named.get(INBOX) or b"").rpartition(b".")[2] == REFERS:
            copies.setdefault((named[INBOX] or b"", named[OFFSET] or b""), []).append(entry)
    for record in evidence.inboxes:
        found = copies.pop((record.topic.encode(), str(record.offset).encode()), [])
        if not found:
            yield Finding("lost", "an inbox's record without a copy", record.place, record.at)
        for copy in found:
            yield from _unlike(record, copy, evidence.partitions)
    for where, _ in copies:
        yield Finding("doubled", "a copy of no record", where.decode())
    for refused in evidence.refusals:
        code = json.loads(refused.value or b"{}").get("code")
        # A history says its creation last, and the struck clocks make it wait for more than ten minutes.
        if code != NOTICE:
            yield Finding("wrong", "a good record was refused", f"{refused.place}: {code}", refused.at)


def _unlike(record: Entry, copy: Entry, partitions: int) -> Iterator[Finding]:
    theirs, ours = dict(record.headers), dict(copy.headers)
    same = all(theirs[name] == ours.get(name) for name in ("ce_id", "ce_source", "ce_type", "ce_time"))
    if not same or (record.key, record.value) != (copy.key, copy.value):
        yield Finding("wrong", "a copy that is not the record", copy.place, copy.at)
    if copy.partition != (murmur2(copy.key or b"") & 0x7FFFFFFF) % partitions:
        yield Finding("wrong", "a copy in another partition", copy.place, copy.at)
