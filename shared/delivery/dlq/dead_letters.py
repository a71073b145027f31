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
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.contract.events.topics import Part, dead_letter_topic
from shared.delivery.outbox.rows import Message

# A larger record would not fit a topic of 2 MB, so its letter has only position and hash.
MAX_BYTES: Final = 1_900_000


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
    """Seals and opens the dead letters of one service."""

    def __init__(self, part: Part, secret: bytes) -> None:
        self._part = part
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"linkwork dead letters")
        self._cipher = AESGCM(derived.derive(secret))

    def seal(self, letter: DeadLetter) -> Message:
        """The message with the sealed record, for the service's dead-letter topic."""
        record = letter.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        nonce = os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, _content(record), place.encode())
        headers = {
            "ce_id": letter_id(self._part, place),
            "dlq-reason": letter.reason,
            "dlq-error-class": letter.error,
            "dlq-original-topic": record.topic,
            "dlq-original-partition": str(record.partition),
            "dlq-original-offset": str(record.offset),
            "dlq-part": self._part,
            "content-type": "application/octet-stream",
        }
        return Message(dead_letter_topic(self._part), place.encode(), sealed, headers)

    def open(self, message: Message) -> Opened:
        """The record that a letter keeps.

        Raises:
            ValueError: the letter was sealed with another key, or altered.
        """
        place = "/".join(message.headers[f"dlq-original-{x}"] for x in ("topic", "partition", "offset"))
        try:
            content = self._cipher.decrypt(message.value[:12], message.value[12:], place.encode())
        except InvalidTag:
            raise ValueError(f"the letter of {place} was sealed with another key or altered") from None
        kept = orjson.loads(content)
        headers = kept["headers"]
        return Opened(
            _unpack(kept["key"]),
            _unpack(kept["value"]),
            None if headers is None else [(name, _unpack(value)) for name, value in headers],
            kept["sha256"],
        )


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
