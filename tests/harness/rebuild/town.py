"""The whole system as real processes, with people who refer and act, and what there is when all is at rest.

Matching and notifications run twice each. Whatever holds is counted as `chaos` counts it: from outside.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from chaos import gather
from chaos.bus import Bus, Meetings
from chaos.clocks import Clocks
from chaos.evidence import Evidence, Handed
from chaos.journeys import Partner
from chaos.log import read_all, topics_of
from chaos.posts import Practices
from chaos.recount import shown
from chaos.stack import Stack
from shared.contract.events.topics import Part
from shared.delivery.rebuild.generations import GENERATIONS, LIVE

LOCALITIES = ("meir",)
EVERY = 0.2
# Referrals without a meeting, above which fewer are made: a busy machine is not to be flooded.
MOST_WAITING = 20
REST_WITHIN = 60.0
_AGAIN = frozenset({404, 502, 503, 504})  # 404: it is the other link worker's.
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """The end of `linkwork rebuild`. Times are seconds since 1970, from and to the closing."""

    code: int
    report: dict[str, Any]
    words: str
    closed: tuple[float, float]


@dataclass
class Town:
    """`cancelled`: how link workers were answered who cancelled a meeting, which is booked again at once."""

    stack: Stack
    bus: Bus
    meetings: Meetings
    practices: Practices
    partner: Partner
    http: httpx.AsyncClient
    chance: random.Random
    cancelled: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """People are referred, met or not, and cancel meanwhile; all that was asked for is answered then."""
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as people:
            people.create_task(self._go_on(ending, people))
            try:
                yield
            finally:
                ending.set()
        await self.practices.settled(REST_WITHIN)

    async def _go_on(self, ending: asyncio.Event, people: asyncio.TaskGroup) -> None:
        """Some seven referrals a second: by a practice, and by a partner without a history and with one."""
        asked: set[str] = set()
        turn = 0
        while not ending.is_set():
            many_wait = len(asked - self.meetings.of.keys()) > MOST_WAITING
            await asyncio.sleep(4 * EVERY if many_wait else EVERY)
            now, turn = self.stack.clocks(), turn + 1
            if turn % 2:
                self.practices.refer()
                people.create_task(self.bus.say(self.partner.history(now)))
            else:
                referral, created = self.partner.referral(now)
                asked.add(referral)
                people.create_task(self.bus.say([created]))
            if turn % 4 == 0 and self.meetings.new:
                people.create_task(self._comes_of(*self.meetings.new.popleft()))

    async def _comes_of(self, locality: str, referral: str, meeting: str) -> None:
        """By turns: the partner says what became of a meeting, or the link worker cancels it."""
        if self.chance.random() < 0.5:
            await self.bus.say(self.partner.outcomes(referral, meeting, self.stack.clocks()))
            return
        async with asyncio.timeout(REST_WITHIN):
            self.cancelled.append(await self._cancel(locality, meeting))

    async def _cancel(self, locality: str, meeting: str) -> int:
        """Asked until there is an answer; gives its status."""
        path, given_up = f"/api/matching/v1/meetings/{meeting}/cancelled", {"by": "person", "why": "unwell"}
        key = str(uuid.uuid4())
        while True:
            for number in (1, 2):
                token = self.stack.tokens.of(f"lw-{locality}-{number}")
                headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
                with contextlib.suppress(httpx.TransportError):  # the key says that it is the same again
                    answer = await self.http.post(path, json=given_up, headers=headers)
                    if answer.status_code not in _AGAIN:
                        return answer.status_code
            await asyncio.sleep(EVERY)

    async def rebuild(self, part: Part, *more: str) -> Ended:
        """Runs an operator's rebuild while the town goes on."""
        closing = asyncio.create_task(self._closing(part))
        words = f"rebuild {part} --processes 0 --json --why"
        try:
            code, out, errors = await self.console(*words.split(), "to see", *more)
        finally:
            closing.cancel()
        report = json.loads(out) if out.startswith("{") else {}
        closed = closing.result() if closing.done() and not closing.cancelled() else (0.0, 0.0)
        return Ended(code, report, errors, closed)

    async def console(self, *command: str) -> tuple[int, str, str]:
        """Runs an operator's command while the town goes on; returns its code and what it printed."""
        stores = {
            **self.stack.broker.connection.environment(),
            "LINKWORK_MONGO_URL": self.stack.database.url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "linkwork", "--by", "ada", *command),
            cwd=_ROOT,
            env=stores,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return process.returncode or 0, out.decode(), errors.decode()

    async def _closing(self, part: Part) -> tuple[float, float]:
        """From when to when the generation is closed."""
        rows = self.stack.mongo[f"linkwork_{part}"][GENERATIONS]
        moments = []
        for state in ("closing", "open"):
            while ((await rows.find_one({"_id": LIVE})) or {"state": "open"})["state"] != state:
                await asyncio.sleep(0.02)
            moments.append(time.time())
        return moments[0], moments[1]

    async def at_rest(self, within: float = REST_WITHIN) -> Evidence:
        """Everything that can be seen from outside when nothing is under way any more, or time runs out."""
        client = self.stack.broker.connection.client_arguments()
        mongo, clock = self.stack.mongo, self.stack.clocks
        lag, stuck = await gather.rest(mongo, client, LOCALITIES, clock, within)
        figures = await self.stack.ask("/api/evaluation/v1/figures")
        posts = self.practices.posts
        return Evidence(
            accepted={post.referral: post.answered for post in posts if post.referral},
            unanswered=sum(not post.answered for post in posts),
            refused=[post.refused for post in posts if post.refused],
            said={_identity(dict(said.headers)): at for said, at in self.bus.said},
            poison=[],
            log=await read_all(client, topics_of(LOCALITIES)),
            letters=await gather.letters(client, self.stack.secrets["dead_letter_key"]),
            handed=[Handed(each.reference, each.channel, each.at) for each in self.stack.gateway.deliveries],
            taken=await gather.taken(mongo, clock()),
            figures={name: shown(place) for name, place in gather.by_place(figures)},
            lag=lag,
            stuck=stuck,
            put_off=await gather.put_off(mongo, clock()),
        )


def _identity(named: dict[str, bytes | None]) -> tuple[str, str]:
    return (named["ce_source"] or b"").decode(), (named["ce_id"] or b"").decode()


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    """Started, with link workers for everybody, and stopped in the end."""
    stack, chance = Stack(folder, Clocks(datetime.now(UTC)), list(LOCALITIES)), random.Random(7)
    bus, meetings = Bus(stack.broker.connection), Meetings(stack.broker.connection, LOCALITIES)
    practices = Practices(stack.url, stack.tokens, stack.localities)
    (here,) = stack.localities
    partner = Partner(here.slug, [practice.ods for practice in here.practices], chance)
    try:
        await stack.start()
        await bus.start()
        meetings.start()
        async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=30) as http:
            yield Town(stack, bus, meetings, practices, partner, http, chance)
    finally:
        await asyncio.gather(meetings.stop(), bus.stop(), practices.stop())
        await stack.stop()
