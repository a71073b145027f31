"""The programs that are compared, and the command that starts each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from bench.environments import hexkit_python, streams_classpath
from bench.program import python
from bench.stores import Stores
from shared.contract.events.topics import group, topic

# Filled topics by length: slow programs read a shorter one, hexkit one with the headers that it needs.
Size = Literal["many", "some", "few", "few_for_hexkit"]


@dataclass(frozen=True)
class Task:
    """The arguments of one run of a program."""

    stores: Stores
    locality: str
    read: str
    write: str
    group: str
    database: str

    @property
    def places(self) -> list[str]:
        """The arguments that all programs of `bench.peers` take."""
        stores = self.stores
        return [stores.mongo_url, self.database, self.read, self.write, self.group]


@dataclass(frozen=True)
class Contender:
    """One row of the comparison. `begin` gives the command, or raises `Absent` where it cannot be run."""

    key: str
    label: str
    size: Size
    begin: Callable[[Task], Sequence[str]]
    processes: int = 1
    publishes: bool = True
    commits: bool = True
    kernel: bool = False

    def task(self, stores: Stores, locality: str, run: int) -> Task:
        """A run with its own group, output and database. The kernel's have fixed names."""
        read, ours = topic(locality, "referral-created"), f"{locality}.{self.key}.{run}"
        if self.kernel:
            write = topic(locality, "meeting-booked")
            return Task(stores, locality, read, write, group(locality, "matching"), f"bench_{locality}")
        return Task(stores, locality, read, f"{locality}.{self.key}.v1", ours, f"bench_{locality}_{self.key}")


def kernel(processes: int, *more: str) -> Contender:
    """The kernel in this number of processes."""
    words = {1: "one process", 2: "two processes", 4: "four processes"}.get(
        processes, f"{processes} processes"
    )
    return Contender(
        f"kernel-{processes}",
        f"Linkwork's kernel, {words}",
        "many",
        partial(_kernel, more),
        processes,
        kernel=True,
    )


def _kernel(more: Sequence[str], task: Task) -> list[str]:
    stores = task.stores
    return python("bench.worker", stores.mongo_url, task.database, task.locality, *more)


def _peer(module: str, *more: str) -> Callable[[Task], Sequence[str]]:
    return lambda task: python(f"bench.peers.{module}", *task.places, *more)


def _hexkit(task: Task) -> Sequence[str]:
    return [str(hexkit_python()), "-m", "bench.peers.hexkit_dao", *task.places]


def _streams(threads: int, repeats: str) -> Callable[[Task], Sequence[str]]:
    def begin(task: Task) -> Sequence[str]:
        state = task.stores.folder / task.group
        where = [task.read, task.write, task.group, str(state)]
        return ["java", "-cp", streams_classpath(), "MeetingStreams", *where, str(threads), repeats]

    return begin


PEERS = (
    Contender("streams-1", "Kafka Streams, exactly once, one thread", "many", _streams(1, "inbox")),
    Contender("streams-2", "Kafka Streams, exactly once, two threads", "many", _streams(2, "inbox")),
    Contender(
        "streams-2-facts",
        "Kafka Streams, exactly once, two threads, one store",
        "many",
        _streams(2, "facts"),
    ),
    Contender(
        "decode-plain", "decoding only, a plain model", "many", _peer("decode", "plain"), publishes=False
    ),
    Contender(
        "decode-envelope",
        "decoding only, the whole envelope",
        "many",
        _peer("decode", "envelope"),
        publishes=False,
    ),
    Contender("bulk", "bulk upserts, no guarantee", "some", _peer("bulk")),
    Contender("one-each", "the same work, one transaction an event", "few", _peer("one_each")),
    Contender("tutorial", "FastStream as its tutorial has it", "few", _peer("tutorial"), commits=False),
    Contender("hexkit", "hexkit's subscriber, DAO and publisher", "few_for_hexkit", _hexkit),
)
