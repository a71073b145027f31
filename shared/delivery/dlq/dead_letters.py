"""Dead letters: records that failed, kept whole and encrypted, with the reason as a code.

A letter is published through the outbox in the transaction of its batch. Its id follows from the position of
the record, so the same record dead-lettered twice is the same letter.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import NAMESPACE_URL, uuid5

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contract.events.topics import Part, dead_letter_topic
from shared.delivery.outbox.rows import Message
from shared.platform.key_ring import KeyRing, derived

# A larger record would not fit a topic of 2 MB, so its letter has only position and hash.
MAX_BYTES: Final = 1_900_000
# The id of the key that sealed a letter.
KEY_HEADER: Final = "dlq-key"


class Record(Protocol):
    """The used part of an aiokafka record."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def partition(self) -> int:
        """The partition's number."""

    @property
    def offset(self) -> int:
        """The offset in the partition."""

    @property
    def key(self) -> bytes | None:
        """The key, or None."""

    @property
    def value(self) -> bytes | None:
        """The value, or None."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The headers, in their order."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that failed, and the reason.

    Attributes:
        reason: a code.
        error: more about the reason, without a word of the record: the class of the exception, or the fields
            of a body that do not match its schema.
    """

    record: Record
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A dead letter's record; headers are None if only the hash was kept."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] | None
    sha256: str


class DeadLetters:
    """Seals and opens the dead letters of one service. `secret`: its keys as the setting lists them."""

    def __init__(self, part: Part, secret: bytes) -> None:
        self._part = part
        ring = KeyRing.of(secret)
        self._newest = ring.newest.id
        self._ciphers = {key.id: AESGCM(derived(key.secret, "dead letters")) for key in ring}

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._ciphers)

    def seal(self, letter: DeadLetter) -> Message:
        """The message with the sealed record, for the service's dead-letter topic."""
        record = letter.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        nonce = os.urandom(12)
        sealed = nonce + self._ciphers[self._newest].encrypt(nonce, _content(record), place.encode())
        headers = {
            "ce_id": letter_id(self._part, place),
            "dlq-reason": letter.reason,
            "dlq-error-class": letter.error,
            "dlq-original-topic": record.topic,
            "dlq-original-partition": str(record.partition),
            "dlq-original-offset": str(record.offset),
            "dlq-part": self._part,
            KEY_HEADER: self._newest,
            "content-type": "application/octet-stream",
        }
        return Message(dead_letter_topic(self._part), place.encode(), sealed, headers)

    def open(self, message: Message) -> Opened:
        """The record that a letter keeps.

        Raises:
            ValueError: the letter was sealed with another key, or altered.
        """
        content, _ = self._opened(message)
        kept = orjson.loads(content)
        headers = kept["headers"]
        return Opened(
            _unpack(kept["key"]),
            _unpack(kept["value"]),
            None if headers is None else [(name, _unpack(value)) for name, value in headers],
            kept["sha256"],
        )

    def key_of(self, message: Message) -> str:
        """The id of the key that sealed a letter. Raises ValueError as `open` does."""
        return self._opened(message)[1]

    def sealed_anew(self, message: Message) -> Message:
        """The same letter under the newest key. Raises ValueError as `open` does."""
        content, _ = self._opened(message)
        nonce = os.urandom(12)
        sealed = nonce + self._ciphers[self._newest].encrypt(nonce, content, _place(message).encode())
        return Message(message.topic, message.key, sealed, {**message.headers, KEY_HEADER: self._newest})

    def _opened(self, message: Message) -> tuple[bytes, str]:
        place = _place(message)
        for key, cipher in self._ciphers.items():
            try:
                return cipher.decrypt(message.value[:12], message.value[12:], place.encode()), key
            except InvalidTag:
                continue
        raise ValueError(f"the letter of {place} was sealed with another key or altered")


def _place(message: Message) -> str:
    return "/".join(message.headers[f"dlq-original-{x}"] for x in ("topic", "partition", "offset"))


def letter_id(part: Part, place: str) -> str:
    """The id of the letter about the record at this place (topic/partition/offset)."""
    return str(uuid5(NAMESPACE_URL, f"{part}/{place}"))


def _content(record: Record) -> bytes:
    value = record.value
    digest = hashlib.sha256(value or b"").hexdigest()
    if len(value or b"") + len(record.key or b"") <= MAX_BYTES:
        headers = [(name, _pack(header)) for name, header in record.headers]
        whole = {"key": _pack(record.key), "value": _pack(value), "headers": headers, "sha256": digest}
        content = orjson.dumps(whole)
        if len(content) <= MAX_BYTES:
            return content
    return orjson.dumps({"key": None, "value": None, "headers": None, "sha256": digest})


def _pack(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _unpack(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)
