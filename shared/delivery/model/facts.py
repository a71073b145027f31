"""Received events and stored facts.

The set of facts, keyed by source and id, is all that a service remembers of the bus. A fact that is already
in the set is a duplicate and changes nothing, so the set replaces an inbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from shared.contract.events.envelope import Envelope, Refused, UnknownOutcome, read_body
from shared.contract.events.fact import Fact

# The kind of a stored fact that the contract no longer allows.
UNREADABLE = "unreadable"

# A fact as the referral's document stores it.
Stored = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A fact with its body as received and its trace context."""

    fact: Fact
    raw: bytes
    correlation: str | None = None
    traceparent: str | None = None

    @classmethod
    def of(cls, envelope: Envelope) -> "ReceivedEvent":
        """The event of an envelope, its times as the database stores them."""
        time = _stored_time(envelope.time)
        recorded = time if envelope.recorded is envelope.time else _stored_time(envelope.recorded)
        fact = Fact(envelope.source, envelope.id, envelope.event, time, recorded, envelope.body)
        return cls(fact, envelope.raw, envelope.correlation, envelope.traceparent)

    def stored(self) -> Stored:
        """The stored form. Names are short because a database repeats them a million times."""
        fact = self.fact
        return {
            "s": fact.source,
            "i": fact.id,
            "e": fact.event,
            "t": fact.time,
            "r": fact.recorded,
            "b": self.raw,
        }


def same_body(one: bytes, other: bytes) -> bool:
    """True if two bodies are equal but for the order of fields and white space."""
    return one == other or canonical(one) == canonical(other)


def canonical(raw: bytes) -> bytes:
    """A body in its canonical spelling; unchanged if orjson refuses what another parser accepted."""
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return raw


def restore(stored: Mapping[str, Any], locality: str, referral_id: str) -> Fact:
    """The fact of a stored row. Its body is parsed again, because a newer contract may know its kind.

    A body that the contract no longer allows becomes an unknown outcome. An error here would keep the
    referral from ever being folded again.
    """
    recorded = _utc(stored["r"])
    body = read_body(stored["e"], stored["b"], recorded)
    if isinstance(body, Refused):
        body = UnknownOutcome(referral_id, locality, UNREADABLE)
    return Fact(stored["s"], stored["i"], stored["e"], _utc(stored["t"]), recorded, body)


def _stored_time(moment: datetime) -> datetime:
    """The moment in whole milliseconds, as the database stores it: a later fold sees the same times."""
    beyond = moment.microsecond % 1000
    return moment - timedelta(microseconds=beyond) if beyond else moment


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
