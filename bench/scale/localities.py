"""Measures a system at rest with more and more localities: start, idle cost, connections, a rebalance."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka.admin import AIOKafkaAdminClient

from bench.place import Places
from bench.scale.observing import (
    STARTS_WITHIN,
    client,
    connections_to,
    cpu_of,
    memory_of,
    pids_of,
    streams_of,
    until,
)
from bench.scale.table import write_table
from bench.sizes import Size
from chaos.clocks import Clocks
from chaos.plan import SERVICES
from chaos.stack import Shape, Stack
from chaos.stores import Broker, Database
from deploy.local.errors import CannotRun
from shared.contract.events.topics import EVENTS
from shared.delivery.kafka.topics import PARTITIONS

# The service whose second replica joins and dies.
_SCALED: Final = "matching"
_SECOND: Final = "matching-2"
_SHAPE: Final = Shape({**{service: service for service in SERVICES}, _SECOND: _SCALED})
_PER_LOCALITY: Final = len(EVENTS) * PARTITIONS
_SETTLES_SECONDS: Final = 5.0


async def measure(size: Size, _: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Measures each number of localities in a system of its own."""
    measured, failed = [], []
    for count in size.localities:
        folder = Path(tempfile.mkdtemp(prefix="linkwork-scale-"))
        try:
            measured.append(await _measured(folder, count, size, say))
        except (CannotRun, TimeoutError) as error:  # The smaller numbers are reported all the same.
            failed.append(f"{count} localities: {error}")
            say(failed[-1])
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return {"localities": measured, "failed": failed, "seconds": size.seconds, "partitions": PARTITIONS}


async def _measured(folder: Path, count: int, size: Size, say: Callable[[str], None]) -> dict[str, Any]:
    table, served = write_table(folder, count)
    stack = Stack(folder, Clocks(datetime.now(UTC)), served, table=table, shape=_SHAPE)
    try:
        await stack.start_stores()
        found: dict[str, Any] = {"count": count}
        found["topics_seconds"] = await _timed(stack.make_topics)
        found["rights_seconds"] = await _timed(stack.give_rights)
        async with client() as http:
            found |= await _started(stack, http, served)
            say(f"{count} localities: {_short(found)}")
            found |= await _at_rest(stack, size.seconds)
            say(f"{count} localities: {_cpu(found)}")
            found |= await _rebalanced(stack, http, served)
        say(f"{count} localities: {_moves(found)}")
    finally:
        await stack.stop()
    return found


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.monotonic()
    await work()
    return time.monotonic() - began


async def _started(stack: Stack, http: httpx.AsyncClient, served: list[str]) -> dict[str, Any]:
    """Seconds until every process is ready, and until every stream has its partitions."""
    began = time.monotonic()
    await stack.start_processes([name for name in stack.processes if name != _SECOND], STARTS_WITHIN)
    ready = time.monotonic() - began
    for service in SERVICES:
        await until(f"all streams of {service}", _all_run(stack, http, service, served), STARTS_WITHIN)
    return {
        "ready_seconds": ready,
        "streams_seconds": time.monotonic() - began,
        # As all of these processes are new, this is what the start cost.
        "start_cpu": cpu_of({name: pid for name, pid in pids_of(stack).items() if name in SERVICES}),
    }


def _all_run(
    stack: Stack, http: httpx.AsyncClient, name: str, served: list[str]
) -> Callable[[], Awaitable[bool]]:
    async def test() -> bool:
        streams = await streams_of(http, stack, name)
        return streams.total == _PER_LOCALITY * len(served) and streams.running == len(served)

    return test


async def _at_rest(stack: Stack, seconds: float) -> dict[str, Any]:
    await asyncio.sleep(_SETTLES_SECONDS)
    pids = pids_of(stack)
    cpu, operations, began = cpu_of(pids), await _operations(stack), time.monotonic()
    await asyncio.sleep(seconds)
    after, later = cpu_of(pids), await _operations(stack)
    took = time.monotonic() - began
    if not isinstance(stack.broker, Broker) or not isinstance(stack.database, Database):
        raise TypeError("this system has one broker and one database")
    ports = {"Kafka": stack.broker.kafka.port, "MongoDB": stack.database.mongo.port}
    return {
        "cpu": {name: (after[name] - cpu[name]) / took for name in cpu},
        "operations": {name: (later[name] - operations[name]) / took for name in operations},
        "memory": memory_of(pids),
        "connections": {
            service: {store: connections_to(pids[service], port) for store, port in ports.items()}
            for service in SERVICES
        },
        **await _groups(stack),
    }


async def _operations(stack: Stack) -> Mapping[str, float]:
    """Counts of the database: commands by kind, and the documents that updates wrote."""
    status = await stack.mongo.admin.command("serverStatus")
    return {**status["opcounters"], "documents updated": status["metrics"]["document"]["updated"]}


async def _groups(stack: Stack) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**stack.broker.connection.client_arguments())
    await admin.start()
    try:
        groups, topics = await admin.list_consumer_groups(), await admin.list_topics()
        return {"groups": len(groups), "topics": len(topics)}
    finally:
        await admin.close()


async def _rebalanced(stack: Stack, http: httpx.AsyncClient, served: list[str]) -> dict[str, Any]:
    """Seconds until a second replica has its share of every locality, and until it is replaced in all."""
    process = stack.processes[_SECOND]
    await stack.start_processes([_SECOND], STARTS_WITHIN)

    async def shared() -> bool:
        one, two = [await streams_of(http, stack, name) for name in (_SCALED, _SECOND)]
        return one.total + two.total == _PER_LOCALITY * len(served) and all(two.partitions.values())

    found: dict[str, Any] = {"join_seconds": await until("the share of a replica", shared, STARTS_WITHIN)}
    shares = [(await streams_of(http, stack, name)).total for name in (_SCALED, _SECOND)]
    found["larger_share"] = max(shares) / sum(shares)
    await asyncio.sleep(_SETTLES_SECONDS)
    process.signal(signal.SIGSTOP)  # Neither answers nor leaves, as a process that died.
    await process.kill_for_good()
    again = _all_run(stack, http, _SCALED, served)
    found["kill_seconds"] = await until("all partitions of the killed replica", again, STARTS_WITHIN)
    await stack.start_processes([_SECOND], STARTS_WITHIN)
    await until("the share of a replica", shared, STARTS_WITHIN)
    await asyncio.sleep(_SETTLES_SECONDS)
    began = time.monotonic()
    await process.stop()
    found["stop_seconds"] = time.monotonic() - began + await until("what it gave up", again, STARTS_WITHIN)
    return found


def _short(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name[:-8]} {found[name]:.1f} s" for name in found if name.endswith("_seconds"))


def _cpu(found: Mapping[str, Any]) -> str:
    each = ", ".join(f"{name} {100 * share:.1f}%" for name, share in found["cpu"].items())
    operations = ", ".join(f"{name} {a_second:.0f}" for name, a_second in found["operations"].items())
    memory = sum(found["memory"].values()) / 2**20
    held = f"{memory:.0f} MiB; {found['connections']}; {found['groups']} groups"
    return f"idle {each}; {operations} a second; {held}"


def _moves(found: Mapping[str, Any]) -> str:
    with suppress(KeyError):
        return (
            f"join {found['join_seconds']:.1f} s, kill {found['kill_seconds']:.1f} s, stop "
            f"{found['stop_seconds']:.1f} s, larger share {100 * found['larger_share']:.0f}%"
        )
    return ""
