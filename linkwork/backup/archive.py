"""The content of an archive: frames of a kind, a length and a payload.

A header begins it. Each collection follows with its documents as they are stored. The manifest ends it.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.contract.events.topics import Part

# `keys` holds the wrapped keys of people, so that they can be kept for a shorter time; `data` holds the rest.
Kind = Literal["data", "keys"]
VERSION: Final = 1
_HEADER, _COLLECTION, _DOCUMENT, _MANIFEST = b"h", b"c", b"d", b"m"
_FRAME: Final = struct.Struct(">cI")
# MongoDB stores no document over 16 MB.
_MAX_FRAME: Final = 32_000_000
_PAGE_DOCUMENTS: Final = 500
_PAGE_BYTES: Final = 8_000_000


class Writable(Protocol):
    """A stream to write into."""

    def write(self, data: bytes, /) -> int:
        """Writes all of these bytes."""


class Readable(Protocol):
    """A stream to read from."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, or fewer at the end."""


class BadArchive(Exception):
    """The content is not that of a whole archive. The text is for the operator."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=_Model)


class Header(_Model):
    """The first frame."""

    version: int
    kind: Kind


class CollectionStart(_Model):
    """The frame before a collection's documents."""

    service: Part
    name: str


class Collection(CollectionStart):
    """A collection in the manifest: its documents, their bytes, and the digest of these."""

    documents: int
    size: int
    sha256: str


class Manifest(_Model):
    """The last frame.

    Attributes:
        id: of the back-up. Its two archives have the same.
        taken: the time of the snapshot.
        cluster_time: the same as the database counts it, as seconds and increment.
    """

    version: int
    kind: Kind
    id: str
    taken: datetime
    cluster_time: tuple[int, int]
    collections: tuple[Collection, ...]


@dataclass
class _Counted:
    start: CollectionStart
    documents: int = 0
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, raw: bytes) -> None:
        self.documents += 1
        self.size += len(raw)
        self.digest.update(raw)

    def done(self) -> Collection:
        return Collection(
            service=self.start.service,
            name=self.start.name,
            documents=self.documents,
            size=self.size,
            sha256=self.digest.hexdigest(),
        )


class ArchiveWriter:
    """Writes an archive into a stream."""

    def __init__(self, stream: Writable, kind: Kind) -> None:
        self._stream = stream
        self._kind: Kind = kind
        self._counted: list[_Counted] = []
        self._frame(_HEADER, Header(version=VERSION, kind=kind).model_dump_json().encode())

    def begin(self, service: Part, name: str) -> None:
        """Begins a collection, to which the next documents belong."""
        start = CollectionStart(service=service, name=name)
        self._frame(_COLLECTION, start.model_dump_json().encode())
        self._counted.append(_Counted(start))

    def add(self, documents: Iterable[bytes]) -> None:
        """Adds documents to the collection that began last."""
        for raw in documents:
            self._frame(_DOCUMENT, raw)
            self._counted[-1].add(raw)

    def end(self, identity: str, taken: datetime, cluster_time: tuple[int, int]) -> Manifest:
        """Writes the manifest."""
        manifest = Manifest(
            version=VERSION,
            kind=self._kind,
            id=identity,
            taken=taken,
            cluster_time=cluster_time,
            collections=tuple(each.done() for each in self._counted),
        )
        self._frame(_MANIFEST, manifest.model_dump_json().encode())
        return manifest

    def _frame(self, kind: bytes, payload: bytes) -> None:
        self._stream.write(_FRAME.pack(kind, len(payload)) + payload)


@dataclass(frozen=True, slots=True)
class Page:
    """Documents of one collection, as they were stored."""

    service: Part
    name: str
    documents: list[bytes]


class ArchiveReader:
    """Reads an archive from a stream, and compares it with its manifest.

    Attributes:
        manifest: None until `pages` has come to its end.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.manifest: Manifest | None = None

    def pages(self) -> Iterator[Page]:
        """Every document, page by page.

        Raises:
            BadArchive: a frame is missing or wrong, or the manifest says otherwise.
        """
        kind, payload = self._frame()
        header = _parsed(Header, payload) if kind == _HEADER else None
        if header is None or header.version != VERSION:
            raise BadArchive("it is no archive of this version")
        counted: list[_Counted] = []
        waiting: list[bytes] = []
        size = 0
        while True:
            kind, payload = self._frame()
            if waiting and (kind != _DOCUMENT or size > _PAGE_BYTES or len(waiting) == _PAGE_DOCUMENTS):
                yield Page(counted[-1].start.service, counted[-1].start.name, waiting)
                waiting, size = [], 0
            if kind == _COLLECTION:
                counted.append(_Counted(_parsed(CollectionStart, payload)))
            elif kind == _DOCUMENT and counted:
                counted[-1].add(payload)
                waiting.append(payload)
                size += len(payload)
            elif kind == _MANIFEST:
                break
            else:
                raise BadArchive("a part of it is of no known kind")
        manifest = _parsed(Manifest, payload)
        if manifest.kind != header.kind or manifest.collections != tuple(each.done() for each in counted):
            raise BadArchive("its manifest says otherwise")
        if self._stream.read(1):
            raise BadArchive("something follows its manifest")
        self.manifest = manifest

    def _frame(self) -> tuple[bytes, bytes]:
        kind, length = _FRAME.unpack(self._exactly(_FRAME.size))
        if length > _MAX_FRAME:
            raise BadArchive("a part of it is too large")
        return kind, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        read = self._stream.read(size)
        if len(read) != size:
            raise BadArchive("it ends too soon")
        return read


def _parsed(model: type[M], payload: bytes) -> M:
    try:
        return model.model_validate_json(payload)
    except ValidationError:
        raise BadArchive("a part of it cannot be read") from None
