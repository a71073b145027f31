"""Measures 1, 2 and 4 replicas of each service: work under load, moves, and a backlog worked off.

The run is counted as a run of `make chaos` is: nothing may be lost or doubled.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.place import Places
from bench.scale.backlog import Backlogs
from bench.scale.moves import KILLED, Moves, name_of, names, usual_waits, waits_of
from bench.scale.observing import STARTS_WITHIN, client
from bench.sizes import Size
from chaos.bus import Bus, Meetings
from chaos.clocks import Clocks
from chaos.commits import TOPIC, Commits
from chaos.evidence import Evidence
from chaos.load import Load, Rates
from chaos.log import read_all
from chaos.plan import SERVICES
from chaos.posts import Practices
from chaos.reconcile import reconcile
from chaos.run import gathered
from chaos.stack import Shape, Stack
from chaos.waits import Doing
from shared.platform.localities import load_localities

PARTITIONS: Final = 6
_LOCALITIES: Final = 4
_SETTLES_SECONDS: Final = 3.0
# Each takes five minutes.
_ROUNDS: Final = 2
# A request that a killed process left unanswered is sent again.
SETTLES_WITHIN: Final = 180.0
_SEED: Final = 1


@dataclass
class _Run:
    stack: Stack
    bus: Bus
    practices: Practices
    load: Load
    size: Size
    say: Callable[[str], None]


async def measure(size: Size, _: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Measures each number of replicas in one system, in turn, twice."""
    folder = Path(tempfile.mkdtemp(prefix="linkwork-scale-"))
    most = max(size.replicas)
    replicas = {name_of(service, number): service for number in range(1, most + 1) for service in SERVICES}
    slugs = [place.slug for place in load_localities().real][:_LOCALITIES]
    shape = Shape(replicas, partitions=PARTITIONS)
    stack = Stack(folder, Clocks(datetime.now(UTC)), slugs, shape=shape)
    try:
        say(f"logs are in {folder}/logs")
        await stack.start(names(range(2, most + 1)), STARTS_WITHIN)
        found = await _in_system(stack, slugs, size, say)
    finally:
        await stack.stop()
    if not found["findings"]:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return found


async def _in_system(
    stack: Stack, slugs: list[str], size: Size, say: Callable[[str], None]
) -> dict[str, Any]:
    chance = random.Random(_SEED)
    bus, meetings = Bus(stack.broker.connection), Meetings(stack.broker.connection, slugs)
    practices = Practices(stack.url, stack.tokens, stack.localities)
    await bus.start()
    meetings.start()
    load = Load(Rates.of(size.referred), practices, bus, meetings, stack.clocks, chance)
    run = _Run(stack, bus, practices, load, size, say)
    try:
        async with client() as http:
            moves = Moves(stack, load, http)
            backlogs = Backlogs(stack, bus, http, chance, say)
            await _under_load(run, moves, backlogs)
            worked_off = await _worked_off(run, backlogs)
        # A sender that stops in order has recorded every message that it sent.
        killed = [record for record in moves.records if record.strike.fault == KILLED]
        evidence = await gathered(stack, practices, bus, [], killed, say)
    finally:
        await load.stop(SETTLES_WITHIN)
        await asyncio.gather(meetings.stop(), bus.stop(), practices.stop())
    return await _described(run, moves, worked_off, evidence)


async def _under_load(run: _Run, moves: Moves, backlogs: Backlogs) -> None:
    """Stays with 1, 2 and 4 replicas in turn. In between, some join, and some stop or are killed."""
    began = time.time()
    run.load.start()
    await run.load.goes_on(began, 120)
    for number in range(min(run.size.rounds, _ROUNDS)):
        present = 1
        for count in run.size.replicas:
            if count > present:
                await moves.join(range(present + 1, count + 1))
                present = count
                run.say(f"round {number + 1}: {count} replicas of each service")
            await asyncio.sleep(_SETTLES_SECONDS)
            await moves.stay(count, run.size.steady)
        while present > 1:
            # The last that goes is killed in every round; those before it stop and die in turn.
            await (moves.stop(present) if present % 2 else moves.kill(present))
            present -= 1
    await run.load.stop(SETTLES_WITHIN)


async def _worked_off(run: _Run, backlogs: Backlogs) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if not run.size.piled_up:
        return rows
    for number in range(min(run.size.rounds, _ROUNDS)):
        for count in run.size.replicas:
            done = await backlogs.worked_off(count, run.size.piled_up)
            rows += [{**row, "round": number} for row in done]
    await run.stack.start_processes([name for name in SERVICES if run.stack.processes[name].pid is None], 120)
    return rows


async def _described(
    run: _Run, moves: Moves, worked_off: list[dict[str, Any]], evidence: Evidence
) -> dict[str, Any]:
    client_arguments = run.stack.broker.connection.client_arguments()
    commits = Commits(await read_all(client_arguments, [TOPIC]))
    findings = await asyncio.to_thread(reconcile, evidence)
    for finding in findings[:20]:
        run.say(f"{finding.kind}: {finding.what}, {finding.where}")
    kinds = [finding.kind for finding in findings]
    return {
        "localities": len(run.stack.localities),
        "partitions": PARTITIONS,
        "referred": run.size.referred,
        "referrals": run.load.begun,
        "records": len(evidence.log),
        "findings": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "steady": moves.steady,
        "usual": usual_waits(moves.records, evidence.log, commits),
        "waits": waits_of(moves.records, Doing(evidence, commits, run.practices.posts)),
        "worked_off": worked_off,
    }
