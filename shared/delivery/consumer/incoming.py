"""Decoding of records, each by itself: to an event, a marker of a hand-over, or a dead letter."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shared.contract.events import envelope
from shared.contract.events.marker import Marker
from shared.delivery.dlq.dead_letters import DeadLetter, Record
from shared.delivery.model.facts import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Incoming:
    """A readable record and the event that it carries."""

    received: ReceivedEvent
    record: Record


class Decoded(NamedTuple):
    """The contents of records: events, unreadable records, and markers with their records."""

    incoming: list[Incoming]
    dead_letters: list[DeadLetter]
    markers: list[tuple[Marker, Record]]


def decode(records: Iterable[Record]) -> Decoded:
    """Decodes each record by itself. Never raises, because an error would skip the whole batch."""
    decoded = Decoded([], [], [])
    for record in records:
        try:
            read = envelope.read(record.topic, record.key, record.value, record.headers)
            if isinstance(read, envelope.Refused):
                decoded.dead_letters.append(DeadLetter(record, read.reason, read.error))
            elif isinstance(read, Marker):
                decoded.markers.append((read, record))
            else:
                decoded.incoming.append(Incoming(ReceivedEvent.of(read), record))
        except Exception as error:  # A fault of the decoder that no check foresees.
            decoded.dead_letters.append(DeadLetter(record, "unreadable", type(error).__name__))
    return decoded
