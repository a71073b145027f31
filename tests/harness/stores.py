"""The broker and the database that the tests run against: embedded, in containers, or the ones given."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer

from deploy.local.broker import answers
from deploy.local.class_cache import make_class_cache
from deploy.local.guard import BROKER, CLIENTS, CONTROLLER, logins, store_broker_user
from deploy.local.kafka import SETTINGS, Kafka
from deploy.local.mongo import Mongo
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from deploy.local.replica_set import REPLICA_SET, become_primary
from shared.platform.access.users import new_password
from shared.platform.kafka_connection import KafkaConnection, connection_from

READY_WITHIN = 90.0
KAFKA_IMAGE = "apache/kafka:4.1.0"
MONGO_IMAGE = "mongo:7.0"


@dataclass(frozen=True)
class Stores:
    kafka: KafkaConnection
    mongo_url: str


@asynccontextmanager
async def stores(folder: Path) -> AsyncIterator[Stores]:
    """Start what `LINKWORK_KAFKA_BOOTSTRAP` and `LINKWORK_MONGO_URL` do not name, and stop it afterwards."""
    given = connection_from(os.environ) if os.environ.get("LINKWORK_KAFKA_BOOTSTRAP") else None
    url = os.environ.get("LINKWORK_MONGO_URL")
    if given and url:
        yield Stores(given, url)
        return
    backend = in_containers if os.environ.get("LINKWORK_TEST_BACKEND") == "containers" else embedded
    async with backend(folder) as ours:
        yield Stores(given or ours.kafka, url or ours.mongo_url)


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
        yield Stores(kafka.connection, mongo.url)
        caching.cancel()
        await asyncio.gather(caching, return_exceptions=True)
    finally:
        await asyncio.gather(kafka.stop(), mongo.stop())
        reaper.close()


@asynccontextmanager
async def in_containers(folder: Path) -> AsyncIterator[Stores]:
    """The images that `docker-compose.yml` names, on a port that is the same inside and outside."""
    kafka_port, controller_port, mongo_port = free_port(), free_port(), free_port()
    password = new_password()
    connection = KafkaConnection(f"{LOOPBACK}:{kafka_port}", "SASL_PLAINTEXT", BROKER, SecretStr(password))
    settings = {
        **SETTINGS,
        **logins([CLIENTS], password),
        "listeners": f"{CLIENTS}://:{kafka_port},{CONTROLLER}://:{controller_port}",
        "advertised.listeners": f"{CLIENTS}://{connection.bootstrap}",
        "controller.quorum.voters": f"1@localhost:{controller_port}",
        "log.dirs": "/tmp/kraft-combined-logs",
    }
    # As the image reads them: a hyphen is three underscores.
    variables = {
        f"KAFKA_{key.upper().replace('-', '___').replace('.', '_')}": value for key, value in settings.items()
    }
    kafka = (
        DockerContainer(KAFKA_IMAGE)
        .with_envs(**variables)
        .with_bind_ports(kafka_port, kafka_port)
        .with_bind_ports(controller_port, controller_port)
    )
    mongo = (
        DockerContainer(MONGO_IMAGE)
        .with_command(f"--replSet {REPLICA_SET} --port {mongo_port}")
        .with_bind_ports(mongo_port, mongo_port)
    )
    async with AsyncExitStack() as running:
        for container in (kafka, mongo):
            await asyncio.to_thread(running.enter_context, container)
        ready = asyncio.gather(
            _knows_its_user(controller_port, connection),
            become_primary(LOOPBACK, mongo_port, check_alive=lambda: None),
        )
        await asyncio.wait_for(ready, READY_WITHIN)
        url = f"mongodb://{LOOPBACK}:{mongo_port}/?replicaSet={REPLICA_SET}"
        yield Stores(connection, url)


async def _knows_its_user(controller_port: int, kafka: KafkaConnection) -> None:
    while True:
        try:
            await store_broker_user(LOOPBACK, controller_port, kafka.password.get_secret_value())
        except (KafkaError, OSError, TimeoutError):
            await asyncio.sleep(0.2)
        else:
            return await answers(kafka)
