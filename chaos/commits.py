"""The offsets that each group had reached at each moment, from the broker's log of commits.

Reading them afterwards costs the measured system nothing.
"""

import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from chaos.log import Entry

TOPIC = "__consumer_offsets"
_COMMIT_KEYS = (0, 1)
Stream = tuple[str, str, int]  # Group, topic, partition.


class Commits:
    """The times at which records were handled, in seconds since 1970 by the broker's clock."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._offsets: dict[Stream, list[int]] = defaultdict(list)
        self._times: dict[Stream, list[float]] = defaultdict(list)
        for entry in sorted(entries, key=lambda entry: (entry.partition, entry.offset)):
            read = _read(entry)
            if read is None:
                continue
            stream, offset = read
            known = self._offsets[stream]
            if not known or offset > known[-1]:  # a committed record stays handled
                known.append(offset)
                self._times[stream].append(entry.at)

    def handled_at(self, group: str, entry: Entry) -> float | None:
        """The time at which the group had handled this record; None if it never has."""
        stream = (group, entry.topic, entry.partition)
        known = self._offsets.get(stream, [])
        first = bisect_right(known, entry.offset)
        return self._times[stream][first] if first < len(known) else None


def _read(entry: Entry) -> tuple[Stream, int] | None:
    key, value = entry.key, entry.value
    if key is None or value is None or struct.unpack_from(">h", key)[0] not in _COMMIT_KEYS:
        return None
    group, at = _text(key, 2)
    topic, at = _text(key, at)
    (partition,) = struct.unpack_from(">i", key, at)
    (offset,) = struct.unpack_from(">q", value, 2)
    return (group, topic, partition), offset


def _text(raw: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", raw, at)
    return raw[at + 2 : at + 2 + length].decode(), at + 2 + length
