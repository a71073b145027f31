"""Events as the kit says and reads them. Written anew, so that it shares no mistake with the services."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from struct import unpack
from typing import Any, Final
from uuid import UUID

MARKER: Final = "org.linkwork.part-handed-over.v1"
EPOCH_HEADER: Final = "ce_partepoch"
INBOX_END: Final = "org.linkwork.inbox-end.v1"
_MULTIPLIER: Final = 0x5BD1E995
_BITS: Final = 0xFFFFFFFF
Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Event:
    """One event, and its place if it was read."""

    id: str
    source: str
    event: str
    data: Mapping[str, Any]
    time: datetime
    recorded: datetime
    partition: int = -1
    offset: int = -1
    key: bytes | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def kind(self) -> str:
        """`referral_created`, `meeting_booked`, or the outcome's kind."""
        return str(self.data.get("kind") or self.event.replace("-", "_"))

    @property
    def referral(self) -> str:
        """The referral that it is about."""
        return str(self.data.get("referral_id", ""))

    @property
    def topic(self) -> str:
        """The topic of the event in its locality."""
        return f"{self.data['locality']}.{self.event}.v1"

    def value(self) -> bytes:
        """The body on the bus."""
        return self.raw or json.dumps(self.data, separators=(",", ":")).encode()

    def headers(self) -> Headers:
        """The headers of binary mode."""
        kind = f"org.linkwork.{self.event}.v1"
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": kind,
            "ce_subject": self.referral,
            "ce_time": stamp(self.time),
            "ce_recordedtime": stamp(self.recorded),
            "ce_dataschema": f"https://linkwork.example.org/contract/schemas/{kind}.json",
            "ce_partitionkey": self.referral,
            "content-type": "application/json",
        }
        return [(name, value.encode()) for name, value in attributes.items()]

    def line(self) -> str:
        """The event in one line of a report."""
        return f"{self.kind} {self.id} from {self.source}: {json.dumps(dict(self.data), sort_keys=True)}"


def event_of(kind: str) -> str:
    """The event that says a kind."""
    if kind in ("referral_created", "meeting_booked"):
        return kind.replace("_", "-")
    return "outcome-recorded"


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def read(record: Any) -> Event | None:
    """The event of a Kafka record; None if it is none that the kit can read."""
    headers = {name: value for name, value in record.headers if value is not None}
    try:
        named = headers["ce_type"].decode()
        if not named.startswith("org.linkwork."):
            return None
        time = datetime.fromisoformat(headers["ce_time"].decode())
        body = json.loads(record.value)
        if not isinstance(body, dict):
            return None
        return Event(
            headers["ce_id"].decode(),
            headers["ce_source"].decode(),
            named.removeprefix("org.linkwork.").removesuffix(".v1"),
            body,
            time,
            datetime.fromisoformat(headers.get("ce_recordedtime", headers["ce_time"]).decode()),
            record.partition,
            record.offset,
            record.key,
            record.value,
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None


class Ids:
    """UUIDs of version 7 that grow, from a seeded source."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._last = 0

    def __call__(self, moment: datetime | None = None) -> str:
        """A new id: of now, or of a moment, which may be earlier than the last."""
        if moment is None:
            millis = self._last = max(int(datetime.now(UTC).timestamp() * 1000), self._last + 1)
        else:
            millis = int(moment.timestamp() * 1000)
        number = (
            millis << 80 | 7 << 76 | self._rng.getrandbits(12) << 64 | 2 << 62 | self._rng.getrandbits(62)
        )
        return str(UUID(int=number))


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as Kafka's Java client computes it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """The hash of a key, 32 bits without a sign."""
    whole = len(key) // 4
    hashed = 0x9747B28C ^ len(key)
    for word in unpack(f"<{whole}I", key[: 4 * whole]):
        mixed = word * _MULTIPLIER & _BITS
        mixed = (mixed ^ mixed >> 24) * _MULTIPLIER & _BITS
        hashed = (hashed * _MULTIPLIER & _BITS) ^ mixed
    if rest := key[4 * whole :]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _BITS
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _BITS
    return hashed ^ hashed >> 15


def marker(
    locality: str, part: str, epoch: int, owner: str, identity: str, now: datetime
) -> tuple[bytes, Headers]:
    """The body and headers of a marker."""
    body = {"locality": locality, "part": part, "epoch": epoch, "owner": owner}
    return json.dumps(body).encode(), plain_headers(MARKER, identity, f"/{locality}/control", now)


def plain_headers(kind: str, identity: str, source: str, now: datetime) -> Headers:
    """The headers of a record that is about no referral."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_source": source,
        "ce_type": kind,
        "ce_time": stamp(now),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def with_header(headers: Iterable[tuple[str, bytes]], name: str, value: str | bytes) -> Headers:
    """The headers with one changed or added."""
    raw = value.encode() if isinstance(value, str) else value
    return [*(each for each in headers if each[0] != name), (name, raw)]
