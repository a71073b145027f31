"""Checks of the booking partners' inboxes: each record was copied or refused, and none behind its end."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from chaos.admitted import INBOX, OFFSET
from chaos.evidence import Finding
from chaos.log import Entry

# The type of the record with which an owner's inbox ends.
END = b"org.linkwork.inbox-end.v1"
NOT_OWNER = "not_owner"
Key = tuple[str, int]


def is_end(entry: Entry) -> bool:
    """True for the record that ends an inbox."""
    return ("ce_type", END) in entry.headers


def copies_of(log: Iterable[Entry]) -> dict[Key, list[Entry]]:
    """The copies on the log, by inbox and offset."""
    found: dict[Key, list[Entry]] = defaultdict(list)
    for entry in log:
        named = dict(entry.headers)
        if named.get(INBOX):
            found[(named[INBOX] or b"").decode(), int(named[OFFSET] or b"-1")].append(entry)
    return found


def refusals_of(entries: Iterable[Entry]) -> dict[Key, str]:
    """The codes of the refusals, by inbox and offset. One line may stand for several records."""
    found: dict[Key, str] = {}
    for entry in entries:
        body = json.loads(entry.value or b"{}")
        if "offset" not in body:  # a notice about an accepted fact
            continue
        last = (body.get("last") or {}).get("offset", body["offset"])
        for offset in range(body["offset"], last + 1):
            found.setdefault((body["topic"], offset), body["code"])
    return found


def judged_once(
    inboxes: Iterable[Entry], log: Iterable[Entry], refusals: Iterable[Entry]
) -> Iterator[Finding]:
    """Checks that each record of a booking partner was judged, and that a refusal had its reason."""
    copies, refused = copies_of(log), refusals_of(refusals)
    ended: set[str] = set()
    for record in sorted(inboxes, key=lambda entry: (entry.topic, entry.partition, entry.offset)):
        key = (record.topic, record.offset)
        copied, code = copies.get(key, []), refused.get(key)
        if is_end(record):
            ended.add(record.topic)
            if copied:
                yield Finding("wrong", "the end of an inbox was copied", record.place, record.at)
            continue
        if not copied and code is None:
            yield Finding(
                "lost", "a record of an owner was neither copied nor refused", record.place, record.at
            )
        if copied and code is not None:
            yield Finding(
                "doubled", "a record that was copied and refused", f"{record.place}: {code}", record.at
            )
        if code is not None and (code != NOT_OWNER or record.topic not in ended):
            yield Finding("lost", "an owner's record was refused", f"{record.place}: {code}", record.at)


def counted(inboxes: Iterable[Entry], refusals: Iterable[Entry]) -> Mapping[str, int]:
    """The number of records and refusals, for the report."""
    records = [entry for entry in inboxes if not is_end(entry)]
    refused = refusals_of(refusals)
    return {"records": len(records), "refused": sum((e.topic, e.offset) in refused for e in records)}
