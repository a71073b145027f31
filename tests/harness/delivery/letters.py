"""Dead letters for tests of the console: a fold with a fault, the letter that it causes, and waits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import Fact
from shared.contract.events.vocabulary import Need
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Document
from shared.delivery.mongo.operations import OPERATIONS
from tests.harness.delivery.toy import Bench, created, fold, said


class Mended:
    """A fold with a fault that a test can mend."""

    def __init__(self) -> None:
        self.faulty = True

    def __call__(self, facts: Sequence[Fact]) -> ReferralHistory:
        if self.faulty and any(Need.HOUSING in getattr(fact.body, "needs", ()) for fact in facts):
            raise ZeroDivisionError
        return fold(facts)


async def broken(place: Bench) -> Envelope:
    """Publishes an event on which the fault fails, and waits for its dead letter."""
    event = said(created(place.locality, needs=[Need.HOUSING]))
    await place.say(event)
    await place.dead_letters(1)
    return event


async def records(place: Bench, name: str) -> int:
    """Counts the records of a topic."""
    found = await place.heard(name, 1000, seconds=0.5)
    return len(found)


async def until(test: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """Waits until `test` returns a true value, and returns it."""
    async with asyncio.timeout(seconds):
        while not (found := await test()):
            await asyncio.sleep(0.05)
    return found


async def operations(kernel: Kernel[Any, Any]) -> list[Document]:
    """The stored operations, oldest first."""
    return [dict(row) async for row in kernel.mongo[OPERATIONS].find().sort("_id", 1)]
