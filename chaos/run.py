"""Runs one system under load and faults, brings it to rest, and reconciles it."""

import asyncio
import math
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from chaos import gather, plan
from chaos.bus import Bus, Meetings
from chaos.clocks import Clocks
from chaos.commits import TOPIC, Commits
from chaos.evidence import Evidence, Handed, Poisoned, Trouble
from chaos.faults import Field, StrikeRecord, apply
from chaos.handover.fault import Candidate, candidate_for, written
from chaos.handover.partner import Booker
from chaos.handover.reckon import Evidences, reckon
from chaos.journeys import Partner
from chaos.load import Load, Rates
from chaos.log import inboxes_of, read_all, refusals_of, topics_of
from chaos.messages import repeated
from chaos.plan import DISK_FULL, Lane, Stage
from chaos.poison import Poisoner
from chaos.posts import Practices
from chaos.recount import shown
from chaos.report import Outcome
from chaos.says import Saying
from chaos.stack import Stack
from chaos.waits import Doing

RUNS_IN = 3.0  # Seconds of load before the first strike.
# If its sender dies, a message stays claimed for a minute before another process sends it. The other system's
# load may take the processor for some minutes more; what is read before the rest looks lost or doubled.
REST_WITHIN = 420.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """The settings of a run."""

    seed: int
    rate: float
    localities: tuple[str, ...]
    stages: tuple[Stage, ...]
    # Time for faults. Later ones are left out, and the run reports them as not done.
    seconds: float = math.inf
    three: bool = False  # With three brokers and three members of a database instead of one.


async def run(asked: Asked, say: Say, *, keep: bool = False, ended: asyncio.Event | None = None) -> Outcome:
    """Runs the system and stops everything at the end. `ended` is set after the last fault.

    The folder with the logs stays if there are deviations, or if `keep` is set.
    """
    folder = Path(tempfile.mkdtemp(prefix="linkwork-chaos-"))
    say(f"logs are in {folder}/logs")
    clocks, localities = Clocks(datetime.now(UTC)), list(asked.localities)
    booker = candidate_for(localities[-1])
    stack = Stack(folder, clocks, localities, three=asked.three, **written(folder, [booker]))
    ended = ended or asyncio.Event()
    try:
        await stack.start()
        outcome = await _under_load(asked, stack, booker, say, ended)
    finally:
        ended.set()
        await stack.stop()
    if outcome.clean and not keep:
        await asyncio.to_thread(shutil.rmtree, folder)
    return outcome


async def _under_load(asked: Asked, stack: Stack, booker: Booker, say: Say, ended: asyncio.Event) -> Outcome:
    slugs = [locality.slug for locality in stack.localities]
    chance = random.Random(asked.seed)
    bus, meetings = Bus(stack.broker.connection), Meetings(stack.broker.connection, slugs)
    practices = Practices(stack.url, stack.tokens, stack.localities)
    await bus.start()
    meetings.start()
    partners = [Partner(p.slug, [each.ods for each in p.practices], chance) for p in stack.localities]
    load = Load(Rates.of(asked.rate), practices, bus, meetings, stack.clocks, chance)
    poisoner = Poisoner(partners, stack.clocks, chance)
    candidate = None if asked.three else await Candidate.start(stack, booker)
    try:
        say("load begins")
        began = time.time()
        load.start()
        await load.goes_on(began, 60)
        await asyncio.sleep(RUNS_IN)
        stages, not_had = asked.stages, {}
        if not asked.three and not stack.database.small:
            stages = plan.without(stages, DISK_FULL)
            not_had[DISK_FULL] = "a small file system can be made by root only"
        records = await _strikes(Field(stack, load, bus, poisoner, candidate), stages, asked.seconds, say)
        seconds = time.time() - began
        ended.set()
        await load.stop()
        say("load has ended")
        outcome = await _reckoned(stack, booker, load, practices, bus, poisoner, records, seconds, say)
        return replace(outcome, not_had=not_had, asked=plan.counts(stages))
    except Exception as error:
        say(f"broken off: {error!r}")  # the report comes at the end, minutes later
        raise
    finally:
        await load.stop()
        if candidate is not None:
            await candidate.stop()
        await asyncio.gather(meetings.stop(), bus.stop(), practices.stop())


async def _strikes(field: Field, stages: Sequence[Stage], seconds: float, say: Say) -> list[StrikeRecord]:
    records: list[StrikeRecord] = []
    end = time.monotonic() + seconds

    async def lane(strikes: Lane) -> None:
        for strike in strikes:
            if time.monotonic() > end:
                return
            done = await apply(field, strike)
            records.append(done)

    for number, stage in enumerate(stages, start=1):
        say(f"stage {number} of {len(stages)}: {sum(map(len, stage.lanes))} strikes")
        async with asyncio.TaskGroup() as lanes:
            for strikes in stage.lanes:
                lanes.create_task(lane(strikes))
    return records


async def _reckoned(
    stack: Stack,
    booker: Booker,
    load: Load,
    practices: Practices,
    bus: Bus,
    poisoner: Poisoner,
    records: Sequence[StrikeRecord],
    seconds: float,
    say: Say,
) -> Outcome:
    evidence = await gathered(stack, practices, bus, poisoner.put_there, records, say, [booker.inbox])
    client = stack.broker.connection.client_arguments()
    commits = Commits(await read_all(client, [TOPIC]))
    doing = Doing(evidence, commits, practices.posts)
    # In a thread: it takes seconds, and the other system's gateway must answer meanwhile.
    bookers = {booker.locality: frozenset({booker.name})}
    owned = Evidences(
        evidence,
        bookers,
        tuple(await read_all(client, [booker.inbox])),
        tuple(await read_all(client, [booker.refusals])),
    )
    findings = await asyncio.to_thread(reckon, owned)
    return Outcome(
        waits=[doing.wait(record) for record in records],
        findings=findings,
        repeated=sum(len(times) - 1 for times in repeated(evidence).values()),
        handed=len(evidence.handed),
        referrals=load.begun,
        seconds=seconds,
        events=len(evidence.log),
    )


async def gathered(
    stack: Stack,
    practices: Practices,
    bus: Bus,
    poison: Sequence[Poisoned],
    records: Sequence[StrikeRecord],
    say: Say,
    inboxes: Sequence[str] = (),
) -> Evidence:
    """Waits until the system is at rest, and reads everything again. `inboxes`: those of owners of a part."""
    slugs = [locality.slug for locality in stack.localities]
    client = stack.broker.connection.client_arguments()
    lag, stuck = await gather.rest(stack.mongo, client, slugs, stack.clocks, REST_WITHIN, inboxes)
    say("at rest: reading everything again")
    answer = await stack.ask("/api/evaluation/v1/figures")
    return Evidence(
        accepted={post.referral: post.answered for post in practices.posts if post.referral},
        unanswered=sum(not post.answered for post in practices.posts),
        refused=[post.refused for post in practices.posts if post.refused],
        said={_identity(each): at for each, at in bus.said},
        poison=poison,
        log=await read_all(client, topics_of(slugs)),
        inboxes=await read_all(client, inboxes_of(slugs)),
        refusals=await read_all(client, refusals_of(slugs)),
        letters=await gather.letters(client, stack.secrets["dead_letter_key"]),
        handed=[Handed(d.reference, d.channel, d.at, d.sender, d.heard) for d in stack.gateway.deliveries],
        taken=await gather.taken(stack.mongo, stack.clocks()),
        figures={name: shown(place) for name, place in gather.by_place(answer)},
        lag=lag,
        stuck=stuck,
        put_off=await gather.put_off(stack.mongo, stack.clocks()),
        troubles=[
            Trouble(each.strike.fault, each.strike.targets, each.began, each.mended) for each in records
        ],
        facts=await gather.facts(stack.mongo),
        partitions=stack.shape.partitions,
    )


def _identity(each: Saying) -> tuple[str, str]:
    named = dict(each.headers)
    return (named["ce_source"] or b"").decode(), (named["ce_id"] or b"").decode()
