"""The broker and the database that the tests run against: embedded, in containers, or the ones given."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from testcontainers.core.container import DockerContainer

from deploy.local.broker import answers
from deploy.local.class_cache import make_class_cache
from deploy.local.kafka import SETTINGS, Kafka
from deploy.local.mongo import Mongo
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from deploy.local.replica_set import REPLICA_SET, become_primary

READY_WITHIN = 90.0
KAFKA_IMAGE = "apache/kafka:4.1.0"
MONGO_IMAGE = "mongo:7.0"


@dataclass(frozen=True)
class Stores:
    kafka_bootstrap: str
    mongo_url: str


@asynccontextmanager
async def stores(folder: Path) -> AsyncIterator[Stores]:
    """Start what `LINKWORK_KAFKA_BOOTSTRAP` and `LINKWORK_MONGO_URL` do not name, and stop it afterwards."""
    bootstrap = os.environ.get("LINKWORK_KAFKA_BOOTSTRAP")
    url = os.environ.get("LINKWORK_MONGO_URL")
    if bootstrap and url:
        yield Stores(bootstrap, url)
        return
    backend = in_containers if os.environ.get("LINKWORK_TEST_BACKEND") == "containers" else embedded
    async with backend(folder) as ours:
        yield Stores(bootstrap or ours.kafka_bootstrap, url or ours.mongo_url)


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Stores]:
    reaper = Reaper()
    reaper.start()
    kafka = Kafka(folder / "kafka", reaper=reaper, log=folder / "kafka.log")
    mongo = Mongo(folder / "mongo", reaper=reaper, log=folder / "mongo.log")
    try:
        await asyncio.gather(kafka.start(), mongo.start())
        # Tests that start brokers of their own do so in a third of the time once this is done.
        caching = asyncio.create_task(make_class_cache(reaper))
        yield Stores(kafka.bootstrap, mongo.url)
        caching.cancel()
        await asyncio.gather(caching, return_exceptions=True)
    finally:
        await asyncio.gather(kafka.stop(), mongo.stop())
        reaper.close()


@asynccontextmanager
async def in_containers(folder: Path) -> AsyncIterator[Stores]:
    """The images that `docker-compose.yml` names, on a port that is the same inside and outside."""
    kafka_port, mongo_port = free_port(), free_port()
    listeners = {
        "listeners": f"PLAINTEXT://:{kafka_port},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{kafka_port}",
        "controller.quorum.voters": "1@localhost:9093",
        "log.dirs": "/tmp/kraft-combined-logs",
    }
    variables = {
        f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in (SETTINGS | listeners).items()
    }
    kafka = DockerContainer(KAFKA_IMAGE).with_envs(**variables).with_bind_ports(kafka_port, kafka_port)
    mongo = (
        DockerContainer(MONGO_IMAGE)
        .with_command(f"--replSet {REPLICA_SET} --port {mongo_port}")
        .with_bind_ports(mongo_port, mongo_port)
    )
    async with AsyncExitStack() as running:
        for container in (kafka, mongo):
            await asyncio.to_thread(running.enter_context, container)
        ready = asyncio.gather(
            answers(f"{LOOPBACK}:{kafka_port}"),
            become_primary(LOOPBACK, mongo_port, check_alive=lambda: None),
        )
        await asyncio.wait_for(ready, READY_WITHIN)
        url = f"mongodb://{LOOPBACK}:{mongo_port}/?replicaSet={REPLICA_SET}"
        yield Stores(f"{LOOPBACK}:{kafka_port}", url)
