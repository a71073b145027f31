"""Three brokers and three members of a database. One at a time may die or step down."""

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from chaos.proxy import Proxy
from chaos.stores import start_patiently
from deploy.local.child import Child
from deploy.local.errors import CannotRun
from deploy.local.kafka import Kafka, cluster_id
from deploy.local.mongo import mongod_path
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from shared.platform.access.users import new_password
from shared.platform.kafka_connection import KafkaConnection

NODES = (1, 2, 3)
SET = "linkwork"
_CLUSTER = {
    "offsets.topic.replication.factor": "3",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}
IN_STEP_WITHIN = 60.0
ELECTED_WITHIN = 60.0


class Brokers:
    """A cluster of three. Each broker has every topic, and two must have each acknowledged record."""

    replication = 3

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self.proxies: dict[str, Proxy] = {}
        cluster, password = cluster_id(), new_password()
        ports = {node: (free_port(), free_port()) for node in NODES}
        voters = ",".join(f"{node}@{LOOPBACK}:{controller}" for node, (_, controller) in ports.items())
        self._brokers = [
            Kafka(
                folder / f"kafka-{node}",
                reaper=reaper,
                log=folder / "logs" / f"kafka-{node}.log",
                port=port,
                controller_port=controller,
                settings={**_CLUSTER, "node.id": str(node), "controller.quorum.voters": voters},
                cluster=cluster,
                password=password,
            )
            for node, (port, controller) in ports.items()
        ]
        addresses = ",".join(broker.connection.bootstrap for broker in self._brokers)
        self.connection = self._brokers[0].connection.at(addresses)
        self._turn = itertools.cycle(self._brokers)

    def connection_for(self, _: str) -> KafkaConnection:
        """The connection of a process: the same for all, without a proxy."""
        return self.connection

    async def start(self) -> None:
        """Starts the brokers and waits until they answer."""
        await asyncio.gather(*(broker.start() for broker in self._brokers))

    async def kill_one(self, seconds: float) -> float:
        """Kills a broker with SIGKILL, and starts it again.

        Returns when every partition has all its replicas. If two brokers die together, nothing is promised.
        """
        broker = next(self._turn)
        if broker.pid is not None:
            os.kill(broker.pid, signal.SIGKILL)
        await broker.exited()
        await asyncio.sleep(seconds)
        await start_patiently(broker)
        back = time.time()
        async with asyncio.timeout(IN_STEP_WITHIN):
            while not await self._in_step():
                await asyncio.sleep(0.3)
        return back

    async def _in_step(self) -> bool:
        admin = AIOKafkaAdminClient(**self.connection.client_arguments(), request_timeout_ms=5000)
        try:
            await admin.start()
            topics = await admin.describe_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return all(len(p["isr"]) == len(NODES) for topic in topics for p in topic["partitions"])

    async def stop(self) -> None:
        """Stops at once. Everything was read, and the last broker would wait for the others to return."""
        await asyncio.gather(*(broker.stop(grace=0.1) for broker in self._brokers))


class Members:
    """A replica set of three."""

    small = False

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self.proxies: dict[str, Proxy] = {}
        self._hosts = [f"{LOOPBACK}:{free_port()}" for _ in NODES]
        self.url = f"mongodb://{','.join(self._hosts)}/?replicaSet={SET}"
        self._children = [
            Child(f"mongod-{number}", _command(folder, number, host), log=_log(folder, number), reaper=reaper)
            for number, host in enumerate(self._hosts, start=1)
        ]

    def url_for(self, _: str) -> str:
        """The address for a process: the same for all, without a proxy."""
        return self.url

    async def start(self) -> None:
        """Starts the members. Raises CannotRun if there is no primary in time."""
        for child in self._children:
            child.start()
        members = [{"_id": number, "host": host} for number, host in enumerate(self._hosts)]
        try:
            async with asyncio.timeout(ELECTED_WITHIN):
                await self._initiate({"_id": SET, "members": members})
                await self._primary()
        except TimeoutError:
            raise CannotRun(f"The three members elected nobody: {self._children[0].last_words()}") from None

    async def _initiate(self, configuration: dict[str, Any]) -> None:
        host, _, port = self._hosts[0].partition(":")
        async with AsyncMongoClient[dict[str, Any]](
            host, int(port), directConnection=True, serverSelectionTimeoutMS=500
        ) as client:
            while True:
                try:
                    await client.admin.command("replSetInitiate", configuration)
                except PyMongoError:
                    await asyncio.sleep(0.2)
                else:
                    return

    async def _primary(self, other_than: str = "") -> str:
        async with AsyncMongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=500) as client:
            while True:
                try:
                    hello = await client.admin.command("hello")
                    if hello["isWritablePrimary"] and hello["me"] != other_than:
                        return str(hello["me"])
                except PyMongoError:
                    pass  # Between two primaries: tried again until the caller's deadline.
                await asyncio.sleep(0.05)

    async def step_down(self) -> None:
        """Makes the primary step down, and returns when a new primary is elected."""
        async with asyncio.timeout(ELECTED_WITHIN):
            before = await self._primary()
            host, _, port = before.partition(":")
            async with AsyncMongoClient[dict[str, Any]](host, int(port), directConnection=True) as client:
                while True:
                    try:
                        await client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5)
                        break
                    except OperationFailure:
                        await asyncio.sleep(0.2)  # no secondary has caught up, so the primary stays
            await self._primary(other_than=before)

    async def stop(self) -> None:
        """Stops the members at once."""
        await asyncio.gather(*(child.stop(grace=0.1) for child in self._children))


def _log(folder: Path, number: int) -> Path:
    return folder / "logs" / f"mongod-{number}.log"


def _command(folder: Path, number: int, host: str) -> list[str]:
    data = folder / f"mongo-{number}"
    data.mkdir(parents=True)
    return [
        *(mongod_path(), "--dbpath", str(data), "--replSet", SET, "--quiet"),
        *("--bind_ip", LOOPBACK, "--port", host.partition(":")[2], "--nounixsocket"),
        *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]
