"""The whole system as real processes on this machine: started, reached and stopped."""

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from bench.people import link_workers
from chaos.clocks import Clocks
from chaos.clusters import Brokers, Members
from chaos.gateway import Gateway
from chaos.process import READY_WITHIN, Process
from chaos.stores import Broker, Database
from chaos.tokens import Tokens
from deploy.development.settings import USERS_FILE
from deploy.local.child import python
from deploy.local.keys import run_secrets
from deploy.local.plan import LINKWORK, Part, common_environment, kafka_environment
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from deploy.topics import first_state
from shared.contract.events.topics import CONTROL_TOPIC
from shared.delivery.kafka.topics import PARTITIONS, create_topics
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import OPERATOR, declare
from shared.platform.access.render import apply
from shared.platform.access.users import kept_passwords
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE, load_localities

# The processes of the services. Two have a second replica.
REPLICAS = {
    "referral": "referral",
    "matching": "matching",
    "matching-2": "matching",
    "notifications": "notifications",
    "notifications-2": "notifications",
    "evaluation": "evaluation",
}
# Processes whose way to the stores can be cut. Their replicas use the direct way.
PROXIED = ("referral", "matching-2", "notifications-2", "evaluation")
# Runs a service as its own `__main__` would, by the clock of the given folder.
_CLOCKED = "tests.harness.journey.part"
_WHICH = "LINKWORK_JOURNEY_PART"


@dataclass(frozen=True)
class Shape:
    """The processes of the services, and the partitions of each event topic.

    Attributes:
        replicas: the service of each process. The first process of a service has the service's name.
        proxied: processes whose way to the stores can be cut.
    """

    replicas: Mapping[str, str]
    proxied: Sequence[str] = ()
    partitions: int = PARTITIONS

    @property
    def senders(self) -> list[str]:
        """The processes that send messages."""
        return [name for name, service in self.replicas.items() if service == "notifications"]


USUAL = Shape(REPLICAS, PROXIED)
ONE_EACH = Shape({service: service for service in dict.fromkeys(REPLICAS.values())})


class Stack:
    """One system in `folder`, which serves `localities` (slugs).

    It has one broker and one database. With `three` it has three of each store, which do more work, and one
    replica of each service. `table` is the programme's first table, `users` the file of the invented users.
    """

    def __init__(
        self,
        folder: Path,
        clocks: Clocks,
        localities: list[str],
        *,
        three: bool = False,
        table: Path = LOCALITIES_FILE,
        users: Path = USERS_FILE,
        shape: Shape = USUAL,
    ) -> None:
        self.shape = shape = ONE_EACH if three else shape
        self.folder = folder
        self.clocks = clocks
        self._table = table
        self._users = users
        known = load_localities(table)
        self.localities = [each for each in known if each.slug in localities]
        (folder / "logs").mkdir(parents=True)
        self._declared = declare(known)
        self._passwords = kept_passwords(folder / "users", self._declared.users)
        self._lifeline, self._held = os.pipe()
        self.reaper = Reaper(folder / "processes")
        self.broker: Broker | Brokers
        self.database: Database | Members
        if three:
            self.broker, self.database = Brokers(folder, self.reaper), Members(folder, self.reaper)
        else:
            self.broker = Broker(folder, self.reaper, shape.proxied)
            self.database = Database(folder, self.reaper, shape.proxied)
        self.gateway = Gateway(shape.senders)
        self.secrets = run_secrets(folder)
        self._ports = {part.name: free_port() for part in LINKWORK.parts}
        self._ports |= {name: free_port() for name in shape.replicas if name not in self._ports}
        self.url = f"http://localhost:{self._ports['front']}"
        self.mongo: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.database.url, tz_aware=True)
        self.processes = {name: self._process(name) for name in ("development", *shape.replicas, "front")}

    @property
    def tokens(self) -> Tokens:
        """Tokens of the invented users, by the run's clock."""
        return Tokens(self.folder, self.url, self.clocks)

    def clock_folder(self, name: str) -> Path:
        """The folder of this process's clock. The issuer's key lies in the run's own folder."""
        return self.folder if name == "development" else self.folder / "clocks" / name

    async def start(self, idle: Collection[str] = (), within: float = READY_WITHIN) -> None:
        """Starts everything but the `idle` processes, and fills the diaries. Raises CannotRun."""
        await self.start_stores()
        await self.make_topics()
        await self.give_rights()
        await self.start_processes([name for name in self.processes if name not in idle], within)
        await self._fill_diaries()

    async def start_stores(self) -> None:
        """Starts broker, database and gateway. Raises CannotRun."""
        self.reaper.start()
        await asyncio.gather(self.broker.start(), self.database.start(), self.gateway.start())

    async def make_topics(self) -> None:
        """Makes the topics and publishes the first table."""
        slugs = [each.slug for each in self.localities]
        kafka = self.broker.connection
        await create_topics(
            kafka,
            slugs,
            [source for each in self.localities for source in each.partners()],
            partitions=self.shape.partitions,
            replication=self.broker.replication,
            control=CONTROL_TOPIC,
        )
        await first_state(kafka, self._table)

    async def give_rights(self) -> None:
        """Makes Kafka's users and gives them their rights."""
        async with Cluster(self.broker.connection) as cluster:
            await cluster.store_users(self._passwords)
            await apply(cluster, self._declared, lambda _: self._passwords)

    async def start_processes(self, names: Sequence[str], within: float = READY_WITHIN) -> None:
        """Starts these processes and waits until they are ready. Raises CannotRun."""
        for name in names:
            self.clocks.give(self.clock_folder(name))
            self.processes[name].start()
        await asyncio.gather(*(self.processes[name].answers(within) for name in names))

    async def stop(self) -> None:
        """Stops everything that was started, in any state."""
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        await self.mongo.close()
        await self.gateway.stop()
        await self.broker.stop()
        await self.database.stop()
        os.close(self._held)
        os.close(self._lifeline)
        await asyncio.to_thread(self.reaper.close)

    async def ask(self, path: str, user: str = "admin") -> Any:
        """The front's answer to a request for this address. Raises httpx.HTTPStatusError."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60) as http:
            answer = await http.get(path, headers={"authorization": f"Bearer {self.tokens.of(user)}"})
            return answer.raise_for_status().json()

    def address(self, name: str) -> str:
        """The address of a process itself, past the front."""
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def password(self, user: str) -> str:
        """The password of a user of the bus."""
        return self._passwords[user]

    def operator(self) -> dict[str, str]:
        """The environment of the operator's commands."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
        return {
            **ours,
            **self.as_user("operator", OPERATOR).environment(),
            "LINKWORK_MONGO_URL": self.database.url,
            "LINKWORK_LOCALITIES_FILE": str(self._table),
            "LINKWORK_OPERATOR": "chaos",
        }

    async def _fill_diaries(self) -> None:
        headers = {"authorization": f"Bearer {self.tokens.of('admin')}"}
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60, headers=headers) as http:
            for locality in self.localities:
                for worker in link_workers(locality):
                    path = f"/api/matching/v1/link-workers/{worker['id']}"
                    (await http.put(path, json=worker)).raise_for_status()

    def _process(self, name: str) -> Process:
        part = next(each for each in LINKWORK.parts if each.name == self.shape.replicas.get(name, name))
        clocked = part.name != "front"
        environment = self._environment(name, part)
        return Process(
            name,
            python(_CLOCKED if clocked else part.module),
            environment=environment,
            log=self.folder / "logs" / f"{name}.log",
            reaper=self.reaper,
            ready=f"{self.address(name)}{part.ready}",
            inherited=(self._lifeline,),
        )

    def as_user(self, name: str, user: str) -> KafkaConnection:
        """The way of this process to the broker, under the user's rights."""
        return self.broker.connection_for(name).as_user(user, SecretStr(self._passwords[user]))

    def _environment(self, name: str, part: Part) -> Mapping[str, str]:
        ours = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
        mail = self.gateway.mail_ports.get(name, self.gateway.mail_ports["notifications"])
        return {
            **common_environment(
                ours,
                folder=self.folder,
                mongo_url=self.database.url_for(name),
                ports={**self._ports, "mail": mail if name != "development" else free_port()},
                session_key=self.secrets["session_key"],
                demo=False,
            ),
            **kafka_environment(part, lambda user: self.as_user(name, user)),
            **part.own(self.secrets),
            _WHICH: part.name,
            "LINKWORK_STATE": str(self.clock_folder(name)),
            "LINKWORK_LOCALITIES_FILE": str(self._table),
            "LINKWORK_USERS_FILE": str(self._users),
            "LINKWORK_LOCALITIES": ",".join(each.slug for each in self.localities),
            "LINKWORK_SMS_URL": self.gateway.text_url,
            # No referrer can still change the referral.
            "LINKWORK_NOTIFICATION_DELAY_SECONDS": "1",
            "LINKWORK_ADMISSION_RECORDS_A_SECOND": "1000",  # a partner hands over what an outage held up
            "LINKWORK_REQUESTS_A_SECOND": "0",  # one token represents every practice
            "LINKWORK_PORT": str(self._ports[name]),
            "LINKWORK_LIFELINE_FD": str(self._lifeline),
            "LINKWORK_INSTANCE_ID": name,
            "LINKWORK_SESSION_TIMEOUT_MS": "3000",
        }
