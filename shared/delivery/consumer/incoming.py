"""Records as they come: each is read by itself and is either a fact or a letter."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contract.events import envelope
from shared.delivery.dlq.dead_letters import DeadLetter, Record
from shared.delivery.model.facts import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Incoming:
    """A readable record and the fact that it carries."""

    received: ReceivedEvent
    record: Record


def decode(records: Iterable[Record]) -> tuple[list[Incoming], list[DeadLetter]]:
    """Reads each record by itself. Never raises: out of a handler that would pass the whole batch over."""
    incoming: list[Incoming] = []
    letters: list[DeadLetter] = []
    for record in records:
        try:
            read = envelope.read(record.topic, record.key, record.value, record.headers)
            if isinstance(read, envelope.Refused):
                letters.append(DeadLetter(record, read.reason, read.error))
            else:
                incoming.append(Incoming(ReceivedEvent.of(read), record))
        except Exception as error:  # what nobody thought of
            letters.append(DeadLetter(record, "unreadable", type(error).__name__))
    return incoming, letters
