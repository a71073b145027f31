"""The heartbeat: a small golden story that plays by itself in each sandbox, so that a listener sees life.

It speaks as the partner's source `/<sandbox>/heartbeat`, in an inbox, so that it shows the whole way:
admission, booking, and the way back. What it says is erased and forgotten as everything in a sandbox is.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from services.referral.identity.context import ReferralContext
from services.referral.sandbox.beats import Beats, unanswered
from shared.contract.events.envelope import Envelope, UnknownOutcome
from shared.contract.events.fact import Fact
from shared.contract.events.topics import partner_source
from shared.contract.stories import Story, load_all
from shared.delivery.model.errors import Transient
from shared.delivery.performance import Line, NotSeen, cast, perform
from shared.platform import metrics

SOURCE: Final = "heartbeat"
# A referral, its meeting, a withdrawal, the cancelled meeting: no time of a diary stays taken.
STORY: Final = "withdrawn"
_LOOK_SECONDS: Final = 15.0
_log = logging.getLogger(__name__)
Say = Callable[[Envelope], Awaitable[None]]


@dataclass
class Heartbeat:
    """Plays the story in the sandboxes that this process serves and whose table names the source.

    `say` writes an event into the inbox of its source.
    """

    context: ReferralContext
    beats: Beats
    say: Say
    story: Story = field(default_factory=lambda: load_all()[STORY])

    async def keep_beating(self) -> None:
        """Looks every 15 seconds, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look_around()

    async def look_around(self) -> None:
        """Looks at each sandbox once."""
        for locality in self._sandboxes():
            try:
                if self.context.speaks(locality):
                    await self.look(locality)
                else:
                    await self.rest(locality)
            except NotSeen as missing:
                _log.warning("a heartbeat was not answered: %s", missing, extra={"locality": locality})
            except (KafkaError, OSError, PyMongoError, Transient) as error:
                _log.warning("heartbeat waits: %s", type(error).__name__, extra={"locality": locality})
            except Exception:
                _log.exception("heartbeat failed", extra={"locality": locality})

    async def look(self, locality: str) -> list[Line]:
        """Observes a sandbox, and plays its heartbeat if one is due. Returns what was played.

        Raises:
            NotSeen: an event of the story was not seen in time.
            KafkaError, OSError, PyMongoError, Transient: a store is away.
        """
        await self.observe(locality)
        beat = await self.beats.claim(locality)
        if beat is None:
            return []
        lines: list[Line] = []
        async with aclosing(self._perform(locality)) as performance:
            async for line in performance:
                lines.append(line)
                if line.what == "heard" and line.kind == "meeting_booked":
                    await self.beats.note_answered(locality, beat)
        await self.observe(locality)
        return lines

    async def rest(self, locality: str) -> None:
        """Plays nothing where referral is another owner's, and counts nothing as unanswered.

        Raises:
            PyMongoError: the database is away.
        """
        await self.beats.note_answered(locality, self.beats.clock())
        metrics.heartbeats_unanswered.labels(locality).set(0)

    async def observe(self, locality: str) -> None:
        """Sets the gauges of a sandbox. Every process does, whoever plays."""
        answered = await self.beats.answered(locality)
        count = unanswered(answered, self.beats.clock(), self.beats.every)
        metrics.heartbeat_answered.labels(locality).set(answered.timestamp())
        metrics.heartbeats_unanswered.labels(locality).set(count)

    def _perform(self, locality: str) -> AsyncGenerator[Line, None]:
        table, clock = self.context.localities.by_slug[locality], self.beats.clock
        play = cast(self.story, table, SOURCE, clock, self.context.kernel.new_id)
        return perform(play, _OwnStore(self.context, locality, play.referral, self.say), clock)

    def _sandboxes(self) -> list[str]:
        known = self.context.localities.by_slug
        return [
            slug
            for slug in self.context.kernel.localities
            if self.context.localities.is_sandbox(slug)
            and partner_source(slug, SOURCE) in known[slug].sources
        ]


@dataclass
class _OwnStore:
    """Says in an inbox, and hears what this service has stored of the referral."""

    context: ReferralContext
    locality: str
    referral: str
    write: Say
    _known: set[tuple[str, str]] = field(default_factory=set)

    async def say(self, event: Envelope) -> None:
        """As Stage."""
        await self.write(event)

    async def heard(self) -> Sequence[Envelope]:
        """As Stage. A refusal is not read: the event is not seen in time."""
        facts = await self.context.kernel.facts(self.locality, self.referral)
        new = [fact for fact in facts if fact.key not in self._known]
        self._known |= {fact.key for fact in new}
        return [envelope for fact in new if (envelope := _envelope(fact)) is not None]


def _envelope(fact: Fact) -> Envelope | None:
    if isinstance(fact.body, UnknownOutcome):
        return None
    raw = fact.body.model_dump_json(exclude_none=True).encode()
    return Envelope(fact.id, fact.source, fact.event, fact.time, fact.recorded, fact.body, raw)
