"""Runs the rounds on one system under load, brings it to rest, and reckons."""

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from chaos import gather
from chaos.bus import Bus, Meetings
from chaos.clocks import Clocks
from chaos.evidence import Evidence, Finding, Handed
from chaos.handover.command import Command
from chaos.handover.epochs import OURS
from chaos.handover.fault import written
from chaos.handover.members import strangers
from chaos.handover.partner import Booker, process_of
from chaos.handover.plan import Participant, Round, Way
from chaos.handover.reckon import Evidences, answers, reckon
from chaos.handover.report import Outcome, Row
from chaos.handover.steps import AtStep, OneWay, go_on, no_strike, pause
from chaos.handover.watch import Watch
from chaos.load import Load, Rates
from chaos.log import read_all, topics_of
from chaos.posts import Practices
from chaos.process import Process
from chaos.recount import shown
from chaos.says import Saying
from chaos.stack import Stack
from chaos.stores import Broker
from deploy.local.errors import CannotRun
from deploy.local.ports import free_port

HERE, ELSEWHERE = "longton", "middleport"
SLEEPER = "matching-2"
OWNS_FOR = 8.0  # Seconds under load between the two ways.
PAUSES_FOR = 8.0  # Seconds after each step of the other locality's hand-over.
ANSWERED_WITHIN = 60.0  # BOOK-1
REST_WITHIN = 420.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """The settings of a run. `program` is the partner here: `js` or `py`."""

    seed: int
    rate: float
    rounds: Sequence[Round]
    program: str
    seconds: float


@dataclass
class Field:
    """Everything that a run has: system, partners, load, and what was noted of the rounds."""

    stack: Stack
    load: Load
    watch: Watch
    bookers: Sequence[Booker]
    chance: random.Random
    say: Say
    partners: dict[str, Process] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    struck: list[tuple[Way, str, Participant]] = field(default_factory=list)
    failures: list[Finding] = field(default_factory=list)
    others: int = 0  # Hand-overs of the other locality, one way each.
    _broker: asyncio.Task[None] | None = None

    def kill(self, who: Participant, command: Command, booker: Booker, *, sleeps: bool) -> None:
        """Kills a participant at once. Its supervisor starts it again; so does the caller of a command."""
        match who:
            case "matching":
                replicas = ["matching"] if sleeps else ["matching", SLEEPER]
                self.stack.processes[self.chance.choice(replicas)].signal(signal.SIGKILL)
            case "admission":
                self.stack.processes["referral"].signal(signal.SIGKILL)
            case "command":
                command.signal(signal.SIGKILL)
            case "partner":
                self.partners[booker.user].signal(signal.SIGKILL)
            case "broker":
                if self._broker is None or self._broker.done():
                    self._broker = asyncio.create_task(self._kill_broker())

    async def _kill_broker(self) -> None:
        broker = self.stack.broker
        if not isinstance(broker, Broker):
            raise TypeError("a run of hand-overs has one broker")
        await broker.kill_and_start()

    async def mended(self) -> None:
        """Waits until everything that was killed answers again."""
        if self._broker is not None:
            await self._broker
        names = ("referral", "matching", SLEEPER)
        await asyncio.gather(*(self.stack.processes[name].answers() for name in names))


async def run(asked: Asked, say: Say, *, keep: bool = False) -> Outcome:
    """Runs the system and stops everything at the end. The logs stay if anything is wrong, or to `keep`."""
    folder = Path(tempfile.mkdtemp(prefix="linkwork-handover-"))
    say(f"logs are in {folder}/logs")
    program = asked.program
    bookers = [
        Booker(HERE, f"booking-{program}", free_port(), program),
        Booker(ELSEWHERE, "booking-py", free_port(), "py", client="latest"),
    ]
    clocks = Clocks(datetime.now(UTC))
    stack = Stack(folder, clocks, [HERE, ELSEWHERE], **written(folder, bookers))
    try:
        await stack.start()
        outcome = await _under_load(asked, stack, bookers, say)
    finally:
        await stack.stop()
    if outcome.clean and not keep:
        await asyncio.to_thread(shutil.rmtree, folder)
    return outcome


async def _under_load(asked: Asked, stack: Stack, bookers: Sequence[Booker], say: Say) -> Outcome:
    slugs, chance = [HERE, ELSEWHERE], random.Random(asked.seed)
    bus, meetings = Bus(stack.broker.connection), Meetings(stack.broker.connection, slugs)
    watch = Watch(stack.broker.connection, slugs)
    practices = Practices(stack.url, stack.tokens, stack.localities)
    await bus.start()
    meetings.start()
    watch.start()
    load = Load(Rates.of(asked.rate), practices, bus, meetings, stack.clocks, chance)
    there = Field(stack, load, watch, bookers, chance, say)
    try:
        for booker in bookers:
            process = there.partners[booker.user] = process_of(stack, booker)
            process.start()
        await asyncio.gather(*(process.answers() for process in there.partners.values()))
        say("load begins")
        began = time.time()
        load.start()
        await load.goes_on(began, 60)
        await _rounds(there, asked)
        seconds = time.time() - began
        await load.stop()
        say("load has ended")
        return await _reckoned(there, practices, bus, (began, seconds))
    finally:
        await load.stop()
        await asyncio.gather(*(process.stop() for process in there.partners.values()))
        await asyncio.gather(meetings.stop(), watch.stop(), bus.stop(), practices.stop())


async def _rounds(there: Field, asked: Asked) -> None:
    """All rounds here, while the other locality is handed over slowly, again and again."""
    stopping = asyncio.Event()
    other = asyncio.create_task(_elsewhere(there, there.bookers[1], stopping))
    try:
        async with asyncio.timeout(asked.seconds):
            for each in asked.rounds:
                await _round(there, there.bookers[0], each)
    except (CannotRun, TimeoutError) as failure:
        there.say(f"broken off: {failure!r}")
        there.failures.append(Finding("wrong", "a round broke off", repr(failure)))
        await _bring_home(there, there.bookers[0])
    finally:
        stopping.set()
        try:
            await other
        except (CannotRun, TimeoutError) as failure:
            there.failures.append(Finding("wrong", "the other locality's hand-over broke off", repr(failure)))
            await _bring_home(there, there.bookers[1])


async def _bring_home(there: Field, booker: Booker) -> None:
    """Takes booking back by force, so that the reckoning finds our diaries in charge."""
    try:
        await OneWay(there.stack, booker, "back", forced=True).go(no_strike)
    except CannotRun as failure:
        there.failures.append(Finding("wrong", "booking did not come back", repr(failure)))


async def _round(there: Field, booker: Booker, planned: Round) -> None:
    began, partner = time.time(), there.partners[booker.user]
    sleeper = there.stack.processes[SLEEPER]
    if planned.sleeper:
        sleeper.signal(signal.SIGSTOP)

    def strikes(way: Way) -> AtStep:
        async def at_step(step: str, command: Command) -> None:
            if way == "there" and planned.dead == "newcomer" and step == "mark":
                await partner.kill_for_good()
            who = planned.strikes(way).get(step)
            if who is not None:
                there.struck.append((way, step, who))
                there.kill(who, command, booker, sleeps=planned.sleeper)

        return at_step

    try:
        one = OneWay(there.stack, booker, "there")
        seconds_there = await one.go(strikes("there"))
        if planned.dead != "newcomer":
            await there.watch.answers(booker.locality, booker.name, time.time(), ANSWERED_WITHIN)
            if planned.strangers:
                there.failures += await strangers(there.stack, booker)
            await asyncio.sleep(OWNS_FOR)
        if planned.dead == "owner":
            await partner.kill_for_good()
        two = OneWay(there.stack, booker, "back", forced=bool(planned.dead))
        seconds_back = await two.go(strikes("back"))
        await there.watch.answers(booker.locality, OURS, time.time(), ANSWERED_WITHIN)
    finally:
        if planned.sleeper:
            sleeper.signal(signal.SIGCONT)
        if planned.dead:
            partner.start()
    await there.mended()
    there.rows.append(Row(planned, seconds_there, seconds_back, began, time.time()))
    there.say(
        f"round {planned.number}: there {seconds_there:.1f} s, back {seconds_back:.1f} s, {planned.name}"
    )


async def _elsewhere(there: Field, booker: Booker, stopping: asyncio.Event) -> None:
    """Hands the other locality over and back, with a pause after each step, until it may stop."""

    async def at_step(_: str, command: Command) -> None:
        if not stopping.is_set():
            pause(command)
            try:
                await asyncio.wait_for(stopping.wait(), PAUSES_FOR)
            except TimeoutError:
                pass
            finally:
                go_on(command)

    while not stopping.is_set():
        for way in ("there", "back"):
            await OneWay(there.stack, booker, "there" if way == "there" else "back").go(at_step)
            there.others += 1


async def _reckoned(there: Field, practices: Practices, bus: Bus, load: tuple[float, float]) -> Outcome:
    stack = there.stack
    slugs, client = [HERE, ELSEWHERE], stack.broker.connection.client_arguments()
    inboxes = [each.inbox for each in there.bookers]
    lag, stuck = await gather.rest(stack.mongo, client, slugs, stack.clocks, REST_WITHIN, inboxes)
    there.say("at rest: reading everything again")
    figures = await stack.ask("/api/evaluation/v1/figures")
    evidence = Evidences(
        whole=Evidence(
            accepted={post.referral: post.answered for post in practices.posts if post.referral},
            unanswered=sum(not post.answered for post in practices.posts),
            refused=[post.refused for post in practices.posts if post.refused],
            said={_identity(each): at for each, at in bus.said},
            poison=[],
            log=await read_all(client, topics_of(slugs)),
            inboxes=await read_all(client, [f"in.{slug}.history" for slug in slugs]),
            refusals=await read_all(client, [f"refused.{slug}.history" for slug in slugs]),
            letters=await gather.letters(client, stack.secrets["dead_letter_key"]),
            handed=[
                Handed(d.reference, d.channel, d.at, d.sender, d.heard) for d in stack.gateway.deliveries
            ],
            taken=await gather.taken(stack.mongo, stack.clocks()),
            figures={name: shown(place) for name, place in gather.by_place(figures)},
            lag=lag,
            stuck=stuck,
            put_off=await gather.put_off(stack.mongo, stack.clocks()),
            facts=await gather.facts(stack.mongo),
        ),
        bookers={each.locality: frozenset({each.name}) for each in there.bookers},
        inboxes=tuple(await read_all(client, inboxes)),
        refusals=tuple(await read_all(client, [each.refusals for each in there.bookers])),
    )
    findings = await asyncio.to_thread(reckon, evidence)
    return Outcome.of(
        evidence,
        [*there.failures, *findings],
        answers(evidence),
        rows=there.rows,
        struck=there.struck,
        others=there.others,
        load=load,
        referrals=there.load.begun,
        here=HERE,
    )


def _identity(each: Saying) -> tuple[str, str]:
    named = dict(each.headers)
    return (named["ce_source"] or b"").decode(), (named["ce_id"] or b"").decode()
