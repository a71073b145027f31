"""A load on the tallied part: events and commands, from the moment it begins until it is told to end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import event_topics
from shared.contract.events.vocabulary import Channel
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Transient
from tests.harness.delivery.toy import Bench, created, missed, said


@dataclass
class Load:
    """The requests of the load, and the commands that were answered."""

    place: Bench
    kernel: Kernel[Any, Any]
    referrals: list[str] = field(default_factory=list)
    # Ids of the facts that commands said and were told to have said.
    commanded: list[str] = field(default_factory=list)
    slowest: float = 0.0
    refused: int = 0

    async def run(self, ending: asyncio.Event) -> None:
        number = 0
        while not ending.is_set():
            number += 1
            event = said(created(self.place.locality))
            self.referrals.append(event.body.referral_id)
            await self.place.say(event)
            if number % 3 == 0:
                await self._command(self.referrals[number // 2])
            if number % 7 == 0:
                await self._miss(self.referrals[number // 2])
            await asyncio.sleep(0.01)

    async def _command(self, referral: str) -> None:
        def act(_: ReferralHistory, __: None, context: DecisionContext) -> Decision:
            asked = ContactAttempted(
                referral_id=context.referral_id,
                locality=context.locality,
                channel=Channel.TEXT,
                reached=False,
            )
            return Decision([asked])

        began = asyncio.get_running_loop().time()
        try:
            done = await self.kernel.command(self.place.locality, referral, act)
        except Transient:
            self.refused += 1
        else:
            self.commanded += [fact.id for fact in done.facts]
        self.slowest = max(self.slowest, asyncio.get_running_loop().time() - began)

    async def _miss(self, referral: str) -> None:
        view = await self.kernel.view(self.place.locality, referral)
        if view is not None and view.active is not None:
            meeting = view.active.booked.meeting_id
            await self.place.say(said(missed(self.place.locality, referral, meeting)))


@asynccontextmanager
async def loaded(place: Bench, kernel: Kernel[Any, Any]) -> AsyncIterator[Load]:
    load, ending = Load(place, kernel), asyncio.Event()
    running = asyncio.create_task(load.run(ending))
    try:
        yield load
    finally:
        ending.set()
        await running


async def log_of(place: Bench) -> dict[str, set[tuple[str, str]]]:
    """The final contents of the topics: (source, id) of every event, by referral."""
    found: dict[str, set[tuple[str, str]]] = {}
    topics = event_topics(place.locality)
    for records in await asyncio.gather(*(place.whole(topic) for topic in topics)):
        for record in records:
            headers = dict(record.headers)
            key = (headers["ce_source"].decode(), headers["ce_id"].decode())
            found.setdefault(f"{place.locality}/{(record.key or b'').decode()}", set()).add(key)
    return found
