"""What batches, commands and due work have in common: all of them do rounds of work for one part."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic

from shared.delivery.consumer.own_events import OwnEventCache
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.options import Options
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform.clock import Clock
from shared.platform.ids import NewId


@dataclass
class ServiceContext(Generic[V, R]):
    """Does rounds of work for one part."""

    definition: ServiceDefinition[V, R]
    mongo: Mongo
    options: Options
    dead_letters: DeadLetters
    clock: Clock
    new_id: NewId
    lane: str
    may_decide: Callable[[str], bool]
    wake: Callable[[UnitOfWork[V, R]], None]
    """Called after a round's transaction was committed: wakes the relay and those who wait."""
    own_events: OwnEventCache = field(default_factory=OwnEventCache)

    def unit_of_work(self, tx: Transaction, new_id: NewId | None = None) -> UnitOfWork[V, R]:
        return UnitOfWork(self.definition, tx, self.clock(), new_id or self.new_id, self.lane)

    def committed(self, round_: UnitOfWork[V, R]) -> None:
        """To be called once, after a round's transaction was committed."""
        self.own_events.remember(message for row in round_.outbox_rows for message in row.messages)
        self.wake(round_)
