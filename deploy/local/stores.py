"""The broker and the database of a run: its own, or given ones."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.local.access import Access
from deploy.local.broker import answers
from deploy.local.child import Child, python
from deploy.local.errors import CannotRun
from deploy.local.jars import FOLDER as JARS
from deploy.local.kafka import Kafka
from deploy.local.kept import Kept, Say
from deploy.local.mongo import Mongo
from deploy.local.patience import together
from deploy.local.reaper import Reaper
from deploy.local.state import State
from shared.platform.access.declaration import Declaration
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from

ANSWERS_WITHIN = 6.0


class Stores:
    """Both stores. `kafka` and `mongo_url` are known before any process is started.

    Raises CannotRun if the given settings of Kafka contradict each other.
    """

    def __init__(self, state: State, reaper: Reaper, environment: Mapping[str, str], say: Say) -> None:
        self._state = state
        self._reaper = reaper
        self._say = say
        given_kafka = environment.get("LINKWORK_KAFKA_BOOTSTRAP")
        given_mongo = environment.get("LINKWORK_MONGO_URL")
        self._kafka = None if given_kafka else self._our_kafka()
        self._mongo = None if given_mongo else self._our_mongo()
        self.kafka = self._kafka.connection if self._kafka else _given(environment)
        self.mongo_url = given_mongo or (self._mongo.url if self._mongo else "")

    @property
    def ours(self) -> list[Kept]:
        """The stores that this run starts and keeps alive."""
        return [store for store in (self._kafka, self._mongo) if store is not None]

    @property
    def has_own_broker(self) -> bool:
        """Tests whether this run starts the broker, so that its settings are known."""
        return self._kafka is not None

    def access(self, declared: Declaration) -> Access | None:
        """Users and rights of our own broker. None for a given broker, whose operator sets them."""
        return Access(self._kafka, declared) if self._kafka is not None else None

    async def start(self) -> None:
        """Starts both stores. Raises CannotRun if one does not answer."""
        await together(self._start_kafka(), self._start_mongo())

    async def stop(self) -> None:
        """Stops the stores that this run started."""
        await asyncio.gather(*(store.stop() for store in self.ours))

    def _our_kafka(self) -> Kafka:
        ports = {name: self._state.port(name) for name in ("kafka", "kafka-controller")}
        return Kafka(
            self._state.folder / "kafka",
            reaper=self._reaper,
            log=self._state.log("kafka"),
            port=ports["kafka"],
            controller_port=ports["kafka-controller"],
            say=self._say,
        )

    def _our_mongo(self) -> Mongo:
        port = self._state.port("mongod")
        folder = self._state.folder / "mongo"
        log = self._state.log("mongod")
        return Mongo(folder, reaper=self._reaper, log=log, port=port, say=self._say)

    async def _start_kafka(self) -> None:
        if self._kafka is None:
            try:
                await asyncio.wait_for(answers(self.kafka), ANSWERS_WITHIN)
            except TimeoutError:
                more = "; user and password may be wrong too" if self.kafka.has_user else ""
                raise CannotRun(
                    f"No Kafka answers at {self.kafka.bootstrap}: start it, or put LINKWORK_KAFKA_BOOTSTRAP "
                    f"right{more}."
                ) from None
            return
        if not JARS.is_dir():
            self._say("Fetching Kafka from Maven Central ...")
            # In a process of its own: unlike a thread, a process can be stopped halfway.
            fetch = Child(
                "jars", python("deploy.local.jars"), log=self._state.log("jars"), reaper=self._reaper
            )
            await fetch.finish()
        await self._kafka.start()
        self._say("Kafka answers")

    async def _start_mongo(self) -> None:
        if self._mongo is not None:
            await self._mongo.start()
            self._say("MongoDB answers")
            return
        try:
            async with AsyncMongoClient[dict[str, Any]](
                self.mongo_url, serverSelectionTimeoutMS=int(ANSWERS_WITHIN * 1000)
            ) as client:
                hello = await client.admin.command("hello")
        except PyMongoError:
            # The address may hold a password, so it is not quoted.
            raise CannotRun(
                "No MongoDB answers at the given address: start it, or put LINKWORK_MONGO_URL right."
            ) from None
        if "setName" not in hello:
            raise CannotRun(
                "The MongoDB of LINKWORK_MONGO_URL is not a replica set, and transactions need one: "
                "start it with --replSet and call rs.initiate()."
            )


def _given(environment: Mapping[str, str]) -> KafkaConnection:
    try:
        return connection_from(environment)
    except BadKafkaSettings as problem:
        raise CannotRun(str(problem)) from None
