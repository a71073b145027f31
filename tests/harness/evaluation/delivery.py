"""Delivers facts to the service's database as a batch would, without a broker."""

from collections.abc import Iterable
from typing import Any

from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody
from shared.delivery.kernel import Kernel
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork


def envelope(fact: Fact) -> Envelope:
    """The event that carries a fact."""
    assert isinstance(fact.body, EventBody)
    raw = fact.body.model_dump_json(exclude_none=True).encode()
    return Envelope(fact.id, fact.source, fact.event, fact.time, fact.recorded, fact.body, raw)


async def deliver_in_one_transaction(kernel: Kernel[Any, Any], facts: Iterable[Fact]) -> None:
    """Delivers one batch in one transaction of the kernel."""
    received = [ReceivedEvent.of(envelope(fact)) for fact in facts]

    async def work(tx: Transaction) -> None:
        unit = UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")
        await unit.read({(event.fact.body.locality, event.fact.body.referral_id) for event in received})
        for event in received:
            unit.aggregate(event.fact.body.locality, event.fact.body.referral_id).append(event)
        await unit.write()

    await kernel.transact(work)
