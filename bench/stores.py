"""A broker and a database for one measurement, as child processes whose cost can be read."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import recorded
from deploy.local.kafka import Kafka
from deploy.local.mongo import Mongo
from deploy.local.plan import LESS_MEMORY
from deploy.local.reaper import Reaper
from shared.platform.kafka_connection import KafkaConnection


@dataclass(frozen=True)
class Stores:
    """`pids` are those of Kafka and MongoDB, by these names; `folder` is removed with them."""

    kafka: KafkaConnection
    mongo_url: str
    pids: Mapping[str, int]
    folder: Path


@asynccontextmanager
async def embedded_stores() -> AsyncIterator[Stores]:
    """Starts the two stores of `make run`, empty. Ends and removes them afterwards."""
    with tempfile.TemporaryDirectory(prefix="linkwork-bench-") as name:
        folder = Path(name)
        record = folder / "processes"
        reaper = Reaper(record)
        reaper.start()
        kafka = Kafka(folder / "kafka", reaper=reaper, log=folder / "kafka.log")
        mongo = Mongo(folder / "mongo", reaper=reaper, log=folder / "mongo.log")
        try:
            await asyncio.gather(kafka.start(), mongo.start())
            alive = recorded(record)
            pids = {name: alive[name] for name in ("Kafka", "MongoDB")}
            yield Stores(kafka.connection, mongo.url, pids, folder)
        finally:
            await asyncio.gather(kafka.stop(), mongo.stop())
            reaper.close()


def surroundings(stores: Stores) -> dict[str, str]:
    """The environment of a measured process of ours, as under `make run`."""
    return {**LESS_MEMORY, **stores.kafka.environment()}
