"""Patch of aiokafka's record reader: header names may be any bytes.

The broker does not look into headers, and a client of another language may write a header's name in bytes
that are not UTF-8. aiokafka's reader decodes names strictly (`DefaultRecordBatch._read_msg`): it raises
before it yields a record of the batch, and fetches the same batch again for ever. One record stops its
partition. The patch reads such a batch, and only such a batch, again with aiokafka's reader in Python and a
lenient decoder.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT = 8
_MAGIC_AT = 16
_OVERHEAD = 12
_WITH_HEADERS = 2


def install() -> None:
    """Patches all consumers of this process."""
    fetcher.MemoryRecords = Records


class Records:
    """The batches of one fetch response, with the interface that aiokafka's fetcher uses."""

    def __init__(self, raw: bytes) -> None:
        self._raw = memoryview(raw)
        self._at = 0
        self._records = MemoryRecords(raw)

    def has_next(self) -> bool:
        """True if there is another batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Bytes of all batches."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> "_Batch":
        """The next batch."""
        start = self._at
        self._at += _OVERHEAD + int(struct.unpack_from(">i", self._raw, start + _LENGTH_AT)[0])
        return _Batch(self._records.next_batch(), self._raw[start : self._at])


class _Batch:
    """A batch. aiokafka's fast reader reads it; from the record at which that fails, the slow one."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The one record of a transaction marker, which a reader of committed records asks for."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                given += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException):
            if self._raw[_MAGIC_AT] < _WITH_HEADERS:
                raise
            yield from islice(_AnyNames(self._raw), given, None)


class _Lenient(bytearray):
    """Bytes whose slices decode to text whatever they hold."""

    def __getitem__(self, at: "SupportsIndex | slice") -> Any:
        part = super().__getitem__(at)
        return _Lenient(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")


class _AnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Lenient(self._buffer)
