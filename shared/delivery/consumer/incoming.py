"""Decoding of records, each by itself: to an event or to a dead letter."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contract.events import envelope
from shared.delivery.dlq.dead_letters import DeadLetter, Record
from shared.delivery.model.facts import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Incoming:
    """A readable record and the event that it carries."""

    received: ReceivedEvent
    record: Record


def decode(records: Iterable[Record]) -> tuple[list[Incoming], list[DeadLetter]]:
    """Decodes each record by itself. Never raises, because an error would skip the whole batch."""
    incoming: list[Incoming] = []
    dead_letters: list[DeadLetter] = []
    for record in records:
        try:
            read = envelope.read(record.topic, record.key, record.value, record.headers)
            if isinstance(read, envelope.Refused):
                dead_letters.append(DeadLetter(record, read.reason, read.error))
            else:
                incoming.append(Incoming(ReceivedEvent.of(read), record))
        except Exception as error:  # A fault of the decoder that no check foresees.
            dead_letters.append(DeadLetter(record, "unreadable", type(error).__name__))
    return incoming, dead_letters
