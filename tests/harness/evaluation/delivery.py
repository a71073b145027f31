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
    told = [ReceivedEvent.of(envelope(fact)) for fact in facts]

    async def work(tx: Transaction) -> None:
        round_ = UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")
        await round_.read({(heard.fact.body.locality, heard.fact.body.referral_id) for heard in told})
        for heard in told:
            round_.aggregate(heard.fact.body.locality, heard.fact.body.referral_id).append(heard)
        await round_.write()

    await kernel.transact(work)
