"""The runtime of one service in one process, shared by batches, commands, tasks and replays."""

from dataclasses import dataclass, field
from typing import Generic

from shared.delivery.consumer.own_events import OwnEventCache
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.mongo.leases import Leases
from shared.delivery.options import Options
from shared.delivery.outbox.relay import Relay
from shared.delivery.ownership.fence import unfenced
from shared.delivery.ownership.ownership import Ownership
from shared.delivery.ownership.standing import TableOwner, epoch_of
from shared.delivery.unit_of_work.signals import ReferralSignal, TaskSignal
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.localities import OURS


@dataclass
class ServiceContext(Generic[V, R]):
    """Begins units of work, and tells the rest of the process of each one that was committed."""

    definition: ServiceDefinition[V, R]
    mongo: Mongo
    options: Options
    clock: Clock
    new_id: NewId
    leases: Leases
    relay: Relay
    ownership: Ownership | None = None
    own_events: OwnEventCache = field(default_factory=OwnEventCache)
    referral_signal: ReferralSignal = field(default_factory=ReferralSignal)

    def __post_init__(self) -> None:
        self.lane = self.relay.lane
        self.dead_letters = DeadLetters(self.definition.name, self.options.dead_letter_key)
        self.task_signal = TaskSignal(self.clock)

    def unit_of_work(self, tx: Transaction, new_id: NewId | None = None) -> UnitOfWork[V, R]:
        """A new unit of work for this transaction, which has read nothing yet."""
        fence = unfenced() if self.ownership is None else self.ownership.fence(tx)
        return UnitOfWork(self.definition, tx, self.clock(), new_id or self.new_id, self.lane, fence)

    def owns(self, locality: str) -> bool:
        """True if automatic decisions are made here, by what this process knows."""
        part = self.definition.decides_as
        return self.ownership is None or self.ownership.owns(locality, part)

    def is_ours(self, row: Row) -> bool:
        """True if a task was scheduled in the present epoch of its part, and the part is ours."""
        locality, part = row["locality"], self.definition.decides_as
        if self.ownership is None:
            return True
        return self.owns(locality) and epoch_of(row) == self.ownership.standing(locality, part).epoch

    def is_between_owners(self, row: Row) -> bool:
        """True if the part of a task's epoch has been stopped, and the table names no other owner yet."""
        locality, part = row["locality"], self.definition.decides_as
        if self.ownership is None:
            return False
        epoch = epoch_of(row)
        return epoch == self.ownership.standing(locality, part).epoch and self.ownership.table(
            locality, part
        ) == TableOwner(OURS, epoch)

    def is_looking(self, locality: str) -> bool:
        """True from when the part became ours until every open referral was looked at."""
        if self.ownership is None or self.definition.look is None:
            return False
        return not self.ownership.standing(locality, self.definition.decides_as).looked

    def may_send(self, locality: str) -> bool:
        """False while a restored database may not know of messages that were sent."""
        if self.ownership is None:
            return True
        standing = self.ownership.standing(locality, self.definition.decides_as)
        return not standing.held and standing.restored_at is None

    def may_decide(self, locality: str) -> bool:
        """True if this process makes the decisions of a locality now.

        While the part is looked at, nothing else is decided: its former owner's times are not reserved yet.
        """
        return self.leads(locality) and not self.is_looking(locality)

    def leads(self, locality: str) -> bool:
        """True if no other process makes the decisions of a locality."""
        exclusive = self.definition.exclusive
        return exclusive is None or self.leases.held(f"{exclusive}/{locality}")

    def committed(self, unit_of_work: UnitOfWork[V, R]) -> None:
        """Hands over what a unit of work has written. To be called once, after its transaction committed."""
        rows = unit_of_work.outbox_rows
        self.own_events.remember(message for row in rows for message in row.messages)
        self.relay.hand_over(rows)
        if unit_of_work.first_task_at is not None:
            self.task_signal.notify(unit_of_work.first_task_at)
        changed = (key for key, aggregate in unit_of_work.aggregates.items() if aggregate.changed)
        self.referral_signal.notify(changed)
