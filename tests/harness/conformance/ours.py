"""Our own services as parts under test: processes of their own, with the kit in the place of all others."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError
from pymongo import AsyncMongoClient

from conformance.clause import Away
from conformance.settings import Kafka
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import ROOT
from shared.contract.events.topics import Part, event_topics, group
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.web.settings import NO_TOPIC

# The service that owns each part today.
SERVICE: Mapping[str, Part] = {
    "referral": "referral",
    "booking": "matching",
    "casework": "matching",
    "directory": "matching",
    "notifications": "notifications",
    "evaluation": "evaluation",
}
# Modules that start a service, if it is not the service's own.
MODULES: Mapping[Part, str] = {"notifications": "tests.harness.conformance.by_day"}
_READY_WITHIN = 180.0


def kafka_of(connection: KafkaConnection) -> Kafka:
    """The connection in the kit's words."""
    password = connection.password.get_secret_value()
    return Kafka(connection.bootstrap, connection.user, password, tls=connection.is_encrypted)


@dataclass
class OurPart:
    """One service, started, killed and emptied by the kit. `kit_url` is where it finds all others."""

    part: str
    localities: Sequence[str]
    kafka: KafkaConnection
    mongo_url: str
    log: Path
    port: int = field(default_factory=free_port)
    kit_url: str = ""
    governed: bool = True
    database: str = field(default_factory=lambda: f"conformance_{new_id().replace('-', '')[-10:]}")
    process: subprocess.Popen[bytes] | None = None
    # The service ends when this process does, as its end of the pipe closes.
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)

    @property
    def service(self) -> Part:
        return SERVICE[self.part]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = await asyncio.to_thread(
                subprocess.Popen[bytes],
                [sys.executable, "-m", MODULES.get(self.service, f"services.{self.service}")],
                cwd=ROOT,
                env=self._environment(),
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=(self._lifeline[0],),
            )
        await self._until_ready()

    async def kill(self) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            await asyncio.to_thread(self.process.wait)
            self.process = None

    async def wipe(self) -> bool:
        """Drops the database, and has the groups begin at the beginning."""
        await asyncio.gather(self.forget(), *(self._begin_again(slug) for slug in self.localities))
        return True

    async def _begin_again(self, slug: str) -> None:
        """Commits the beginning of a locality's topics once the killed member's session has ended."""
        places = await self._places(slug)
        name = group(slug, self.service)
        async with AIOKafkaConsumer(**self.kafka.client_arguments(), group_id=name) as consumer:
            consumer.assign(places)
            for _ in range(80):
                try:
                    await consumer.commit(dict.fromkeys(places, 0))
                except CommitFailedError:
                    await asyncio.sleep(0.25)
                else:
                    return
        raise RuntimeError("a killed member stays in its group")

    async def forget(self) -> None:
        """Drops the database."""
        async with AsyncMongoClient[dict[str, object]](self.mongo_url) as mongo:
            await mongo.drop_database(self.database)

    async def _places(self, slug: str) -> list[TopicPartition]:
        async with AIOKafkaConsumer(**self.kafka.client_arguments()) as consumer:
            found = []
            for topic in event_topics(slug):
                consumer.subscribe([topic])
                await consumer.getmany(timeout_ms=100)
                found += [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
            return found

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWORK_")}
        others = {
            f"LINKWORK_{name.upper()}_URL": self.kit_url for name in set(SERVICE.values()) - {self.service}
        }
        return {
            **kept,
            **others,
            **self.kafka.environment(),
            f"LINKWORK_{self.service.upper()}_URL": self.url,
            "LINKWORK_ENV": "development",
            "LINKWORK_MONGO_URL": self.mongo_url,
            "LINKWORK_DATABASE": self.database,
            "LINKWORK_LOCALITIES": ",".join(self.localities),
            "LINKWORK_CONTROL_TOPIC": NO_TOPIC,
            "LINKWORK_HOST": LOOPBACK,
            "LINKWORK_PORT": str(self.port),
            "LINKWORK_LIFELINE_FD": str(self._lifeline[0]),
            "LINKWORK_ISSUER": self.kit_url,
            "LINKWORK_JWKS_URL": f"{self.kit_url}/jwks.json",
            "LINKWORK_TOKEN_URL": f"{self.kit_url}/token",
            "LINKWORK_DISCOVERY_URL": f"{self.kit_url}/.well-known/openid-configuration",
            "LINKWORK_SMS_URL": f"{self.kit_url}/texts",
            "LINKWORK_NOTIFICATION_DELAY_SECONDS": "1",
            "LINKWORK_INSTANCE_ID": f"conformance-{self.part}",
            "LINKWORK_SESSION_TIMEOUT_MS": "3000",
            "LINKWORK_ADMISSION": "0",
            "LINKWORK_HEARTBEAT_SECONDS": "0",
            "LINKWORK_REQUESTS_A_SECOND": "0",
        }

    async def _until_ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            end = asyncio.get_running_loop().time() + _READY_WITHIN
            while asyncio.get_running_loop().time() < end:
                assert self.process is not None
                if self.process.poll() is not None:
                    raise Away(f"{self.service} ended: see {self.log}")
                try:
                    if (await http.get(f"{self.url}/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)
        raise Away(f"{self.service} is not ready within {_READY_WITHIN:.0f} s: see {self.log}")
