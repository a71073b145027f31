"""A fact: something that somebody said about a referral, and how it is kept.

The set of facts, keyed by source and id, is all that a service remembers of the bus: a fact that is already
in the set is a repeat and changes nothing, so the set is its own inbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from shared.contract.events.envelope import Envelope, Refused, UnknownOutcome, read_body
from shared.contract.events.fact import Fact

UNREADABLE = "unreadable"
"""The kind of a stored fact that the contract no longer allows."""

Stored = dict[str, Any]
"""A fact as it lies in the referral's document."""


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A fact with what the kernel needs to keep it and pass it on."""

    fact: Fact
    raw: bytes
    correlation: str | None = None
    traceparent: str | None = None

    @classmethod
    def of(cls, envelope: Envelope) -> "ReceivedEvent":
        time = _kept(envelope.time)
        recorded = time if envelope.recorded is envelope.time else _kept(envelope.recorded)
        fact = Fact(envelope.source, envelope.id, envelope.event, time, recorded, envelope.body)
        return cls(fact, envelope.raw, envelope.correlation, envelope.traceparent)

    def stored(self) -> Stored:
        """Short names: they are repeated a million times."""
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
    """Whether two bodies say the same, whatever the order of their fields and their white space."""
    return one == other or canonical(one) == canonical(other)


def canonical(raw: bytes) -> bytes:
    """A body in the one spelling of it; as it is where this parser does not take what another took."""
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return raw


def restore(stored: Mapping[str, Any], locality: str, referral_id: str) -> Fact:
    """The fact of a stored row; its body is read anew, so that a kind unknown then may be known now.

    One that can no longer be read (the contract changed) says nothing until it can: were it to raise, the
    referral could never be folded again, and what is heard of it would be set aside for ever.
    """
    body = read_body(stored["e"], stored["b"])
    if isinstance(body, Refused):
        body = UnknownOutcome(referral_id, locality, UNREADABLE)
    return Fact(stored["s"], stored["i"], stored["e"], _utc(stored["t"]), _utc(stored["r"]), body)


def _kept(moment: datetime) -> datetime:
    """The moment as the database keeps it, in milliseconds, so that a fold now and a fold later agree."""
    beyond = moment.microsecond % 1000
    return moment - timedelta(microseconds=beyond) if beyond else moment


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
