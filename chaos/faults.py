"""The faults: each strikes, waits, mends, and returns when the target answers again."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from chaos import gather
from chaos.bus import Bus
from chaos.clusters import Brokers, Members
from chaos.handover.fault import Candidate
from chaos.load import Load
from chaos.plan import TWINS, Strike
from chaos.poison import Poisoner
from chaos.proxy import Proxy
from chaos.stack import Stack
from chaos.stores import Broker, Database
from chaos.storm import storm
from deploy.local.errors import CannotRun

GOES_ON_WITHIN = 60.0
# A message waits for half a minute before it is sent, and another lane may pause the sender.
_NEXT_MESSAGE_SECONDS = 90.0
_COUNTED_WITHIN = 20.0
B = TypeVar("B", Broker, Brokers)
D = TypeVar("D", Database, Members)


@dataclass(frozen=True, slots=True)
class StrikeRecord:
    """A strike, with its start and the return of its target, in seconds since 1970."""

    strike: Strike
    began: float
    mended: float


@dataclass
class Field:
    """The targets of the faults."""

    stack: Stack
    load: Load
    bus: Bus
    poisoner: Poisoner
    # May own booking of one locality; None in a system where nobody else may.
    candidate: Candidate | None = None

    def broker(self, kind: type[B]) -> B:
        """The broker. Raises TypeError if the system has a different kind."""
        if not isinstance(self.stack.broker, kind):
            raise TypeError(f"this fault needs {kind.__name__}")
        return self.stack.broker

    def database(self, kind: type[D]) -> D:
        """The database. Raises TypeError if the system has a different kind."""
        if not isinstance(self.stack.database, kind):
            raise TypeError(f"this fault needs {kind.__name__}")
        return self.stack.database

    async def behind(self) -> dict[str, int]:
        """Records not handled and work that is due, where there are any; empty while a store is away."""
        slugs = [locality.slug for locality in self.stack.localities]
        try:
            async with asyncio.timeout(_COUNTED_WITHIN):
                lag = await gather.lag(self.stack.broker.connection.client_arguments(), slugs)
                stuck = await gather.stuck(self.stack.mongo, datetime.now(UTC))
        except (KafkaError, PyMongoError, OSError, TimeoutError):
            return {}
        return {name: count for name, count in (lag | stuck).items() if count}


# Returns the time at which the target answered again, if that is not the time of the return.
Fault = Callable[[Field, Strike], Awaitable[float | None]]


async def apply(field: Field, strike: Strike) -> StrikeRecord:
    """Applies a strike and rests. Raises CannotRun or TimeoutError if the target does not return."""
    began = time.time()
    fault = next(fault for name, fault in FAULTS.items() if name in strike.fault)
    mended = await fault(field, strike) or time.time()
    if len(strike.parts) > 1:
        try:
            await field.load.goes_on(mended, GOES_ON_WITHIN)
        except TimeoutError:
            behind = await field.behind()
            raise CannotRun(f"{strike.fault}: nobody referred since has a meeting: {behind}") from None
    await asyncio.sleep(strike.rest)
    return StrikeRecord(strike, began, mended)


async def _kill(field: Field, strike: Strike) -> None:
    processes = [field.stack.processes[name] for name in strike.targets]
    for process in processes:
        process.signal(signal.SIGKILL)
    await asyncio.sleep(0.2)
    await asyncio.gather(*(process.answers() for process in processes))


async def _kill_at_the_yes(field: Field, strike: Strike) -> None:
    """Kills the sender of a message after the gateway has stored it and before it acknowledges."""
    (target,) = strike.targets
    process, gateway = field.stack.processes[target], field.stack.gateway
    gateway.at_the_yes(target, lambda: process.signal(signal.SIGKILL))
    async with asyncio.timeout(_NEXT_MESSAGE_SECONDS):
        while not gateway.struck(target):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    await process.answers()


async def _pause(field: Field, strike: Strike) -> float:
    processes = [field.stack.processes[name] for name in strike.targets]
    for process in processes:
        process.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(strike.seconds)
    finally:
        for process in processes:
            process.signal(signal.SIGCONT)
    woken = time.time()
    # Another lane may have killed it too. If it were paused again while it starts, it would never be ready.
    await asyncio.gather(*(process.answers() for process in processes))
    await asyncio.sleep(1)
    return woken


async def _kill_kafka(field: Field, _: Strike) -> None:
    await field.broker(Broker).kill_and_start()


async def _kill_mongo(field: Field, _: Strike) -> None:
    database = field.database(Database)
    database.kill()
    await database.start_again()


async def _fill_disk(field: Field, strike: Strike) -> None:
    """Fills the disk until the database refuses a write or ends, or the time is up."""
    database = field.database(Database)
    try:
        end = time.monotonic() + strike.seconds
        while time.monotonic() < end and not database.ended():
            database.fill()
            if not await _writes(field, 1.0):
                await asyncio.sleep(0.1)
    finally:
        database.make_room()
    # The database may take seconds to end, while it logs its state.
    async with asyncio.timeout(GOES_ON_WITHIN):
        while not database.ended() and not await _writes(field, 10.0):
            await asyncio.sleep(0.1)
    if database.ended():
        await database.start_again()


async def _writes(field: Field, within: float) -> bool:
    """Tests whether the database writes its data to disk in time."""
    try:
        await asyncio.wait_for(field.stack.mongo.admin.command("fsync"), within)
    except (PyMongoError, TimeoutError):
        return False
    return True


def _proxy(field: Field, strike: Strike) -> Proxy:
    stack = field.stack
    store: Broker | Brokers | Database | Members = stack.broker if "Kafka" in strike.fault else stack.database
    return store.proxies[strike.targets[0]]


async def _cut(field: Field, strike: Strike) -> None:
    proxy = _proxy(field, strike)
    proxy.cut = True
    try:
        await asyncio.sleep(strike.seconds)
    finally:
        proxy.cut = False


async def _delay(field: Field, strike: Strike) -> None:
    proxy = _proxy(field, strike)
    proxy.delay = 0.1
    try:
        await asyncio.sleep(strike.seconds)
    finally:
        proxy.delay = 0.0


async def _reset(field: Field, strike: Strike) -> None:
    _proxy(field, strike).reset()


async def _storm(field: Field, strike: Strike) -> None:
    """Adds and removes idle group members, and a replica of the service, as a deployment does."""
    (service,) = strike.targets
    slugs = [locality.slug for locality in field.stack.localities]
    replica = field.stack.processes[TWINS.get(service, service)]
    replica.signal(signal.SIGTERM)
    await storm(field.stack.broker.connection, service, slugs, strike.seconds)
    await replica.answers()


async def _wrong_clock(field: Field, strike: Strike) -> None:
    (target,) = strike.targets
    folder = field.stack.clock_folder(target)
    field.stack.clocks.give(folder, strike.wrong_by)
    try:
        await asyncio.sleep(strike.seconds)
    finally:
        field.stack.clocks.give(folder)


async def _poison(field: Field, _: Strike) -> None:
    await field.poisoner.put(field.bus)


async def _hand_over(field: Field, _: Strike) -> None:
    if field.candidate is None:
        raise TypeError("this fault needs a partner that may own booking")
    await field.candidate.there_and_back()


async def _kill_a_broker(field: Field, strike: Strike) -> float:
    return await field.broker(Brokers).kill_one(strike.seconds)


async def _step_down(field: Field, _: Strike) -> None:
    await field.database(Members).step_down()


# By words of the strike's name; the first that fits applies.
FAULTS: Mapping[str, Fault] = {
    "broker of three": _kill_a_broker,
    "steps down": _step_down,
    "Kafka killed": _kill_kafka,
    "MongoDB killed": _kill_mongo,
    "at the gateway's yes": _kill_at_the_yes,
    "killed": _kill,
    "paused": _pause,
    "disk full": _fill_disk,
    "cut": _cut,
    "delay": _delay,
    "reset": _reset,
    "rebalance storm": _storm,
    "clock": _wrong_clock,
    "poison": _poison,
    "handed over": _hand_over,
}
