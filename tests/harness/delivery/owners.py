"""Owners of parts in tests: a table in the test's hand, markers, and what others say meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import EVENTS, EventName, SourcePart, topic
from shared.delivery.control.served import Changed, ServedTable
from shared.delivery.kernel import Kernel
from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.ownership.standing import TableOwner
from shared.platform.ids import new_id
from tests.harness.delivery.toy import NOW, TOY, Bench

PARTITIONS = 3


class TableInHand(ServedTable):
    """A table that says what the test says, to every kernel that it is given to."""

    def __init__(self, slugs: Sequence[str]) -> None:
        super().__init__(slugs)
        self._owners: dict[tuple[str, str], TableOwner] = {}
        self._follow: list[Changed] = []

    async def start(self, mongo: Mongo, changed: Changed) -> None:
        self._follow.append(changed)

    def owner(self, locality: str, part: SourcePart) -> TableOwner:
        return self._owners.get((locality, part), TableOwner())

    def says(self, locality: str, part: SourcePart, owner: str, epoch: int) -> None:
        """Another version is in force."""
        self._owners[locality, part] = TableOwner(owner, epoch)
        for changed in self._follow:
            changed()


def kernel_with(
    place: Bench, table: TableInHand, part: ServiceDefinition[Any, Any] = TOY, **options: Any
) -> Kernel[Any, Any]:
    """A process of the part that follows this table."""
    return Kernel(part, replace(place.options, **options), table)


def marker(
    locality: str, epoch: int = 1, event: EventName = "referral-created", part: SourcePart = "booking"
) -> Marker:
    body = PartHandedOver(locality=locality, part=part, epoch=epoch, owner="together")
    return Marker(new_id(), event, NOW, body, body.model_dump_json().encode())


async def mark(
    place: Bench, epoch: int, events: Sequence[EventName] = EVENTS, part: SourcePart = "booking"
) -> None:
    """Writes a marker into every partition of these events' topics."""
    for event in events:
        written = marker(place.locality, epoch, event, part)
        for number in range(PARTITIONS):
            await place.producer.send_and_wait(
                topic(place.locality, event),
                written.raw,
                key=part.encode(),
                partition=number,
                headers=written.headers(),
            )
