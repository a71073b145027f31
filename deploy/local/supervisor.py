"""One run of Linkwork on one machine: started in order, kept alive, and stopped in the opposite order."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deploy.development.settings import TABLE, USERS_FILE
from deploy.development.users import User, load_users
from deploy.local.access import Access
from deploy.local.assets import is_stale
from deploy.local.child import Child, python
from deploy.local.class_cache import make_class_cache
from deploy.local.errors import CannotRun
from deploy.local.jars import FOLDER as JARS
from deploy.local.kafka import Kafka
from deploy.local.kept import keep
from deploy.local.keys import run_secrets
from deploy.local.part import RunningPart
from deploy.local.patience import together
from deploy.local.plan import MAIL_PORT, Part, Plan, common_environment, kafka_environment
from deploy.local.preflight import check_parts, check_platform, front_port
from deploy.local.reaper import Reaper
from deploy.local.state import State
from deploy.local.stores import Stores
from deploy.local.welcome import how_to_connect, welcome
from deploy.topics import set_up
from shared.contract.events.topics import CONTROL_TOPIC
from shared.delivery.control.requests import TableKeeper, TableRequests, versions_of
from shared.delivery.kafka.topics import create_topics
from shared.delivery.mongo.database import Mongo
from shared.platform.access.declaration import all_partners, declare
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE, Localities, load_localities
from shared.platform.localities.versions import exported
from shared.platform.web.settings import NO_TOPIC

STORE_ATTEMPTS = 5


class Supervisor:
    """Used once: `await run()` returns the exit code when the run has been stopped or cannot go on."""

    def __init__(self, plan: Plan, state: State, environment: Mapping[str, str] = os.environ) -> None:
        self._plan = plan
        self._state = state
        self._given = environment
        self._started = time.monotonic()
        self._reaper = Reaper(state.processes)
        self._lifeline, self._held = os.pipe()
        self._stores: Stores | None = None
        self._parts: list[RunningPart] = []
        self._demo: Child | None = None
        self._access: Access | None = None

    def say(self, text: str) -> None:
        """Prints a line with the seconds since the start."""
        self._print(f"{time.monotonic() - self._started:5.1f} s  {text}")

    def _print(self, text: str) -> None:
        # Stopping in order still matters without a terminal.
        with contextlib.suppress(OSError):
            print(text, flush=True)

    async def run(self) -> int:
        """Starts everything and stays until SIGINT or SIGTERM (0), or until it cannot go on (2)."""
        # Its warnings about a broker that is still starting would stand between our own lines.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        told_to_stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, told_to_stop.set)
        living = asyncio.create_task(self._live())
        told = asyncio.create_task(told_to_stop.wait())
        try:
            await asyncio.wait({living, told}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
            return 0
        except CannotRun as reason:
            self._print(f"\n{reason}")
            return 2
        finally:
            for task in (living, told):
                task.cancel()
            await asyncio.gather(living, told, return_exceptions=True)
            await self._stop()

    async def _live(self) -> None:
        check_platform(self._given)
        check_parts(self._plan)
        self._state.lock()
        if survivors := self._state.end_survivors():
            self.say(f"Ended {survivors} processes that a killed run had left behind")
        if not self._plan.parts:
            await self._keep_stores_alone()
            return
        port = front_port(self._given)
        self._state.keep_port("front", port)
        stores = self._begin_stores()
        await together(stores.start(), self._fetch_assets(), self._compile())
        file = Path(self._given.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE)
        localities = (
            await self._create_topics(stores.kafka, file) if self._plan.topics else load_localities(file)
        )
        await self._write_table(stores)
        self._access = stores.access(declare(localities, demo=self._plan.demo is not None))
        if self._access is not None and await self._access.apply():
            self.say("Kafka knows its users and their rights")
        environment = self._environment(stores, port)
        await self._start_parts(environment, port)
        self.say("Everything answers")
        self._print(welcome(environment["LINKWORK_PUBLIC_URL"], self._who()))
        if self._access is not None:
            self._print(how_to_connect(stores.kafka, self._access, all_partners(localities)))
        await together(
            *(keep(part, self.say) for part in self._parts),
            *(keep(store, self.say, attempts=STORE_ATTEMPTS) for store in stores.ours),
            self._play_demo(environment),
            self._keep_table(stores),
            self._cache_classes(stores),
        )

    async def _keep_stores_alone(self) -> None:
        stores = self._begin_stores()
        await stores.start()
        self.say("Broker and database answer, and no service runs. Ctrl-C stops them.")
        await together(*(keep(store, self.say, attempts=STORE_ATTEMPTS) for store in stores.ours))

    def _begin_stores(self) -> Stores:
        self._state.rotate_logs()
        self._reaper.start()
        self._stores = stores = Stores(self._state, self._reaper, self._given, self.say)
        self._say_what_starts(stores)
        return stores

    def _say_what_starts(self, stores: Stores) -> None:
        names = " and ".join(store.name for store in stores.ours)
        self.say(f"Starting {names} ..." if names else "Using the broker and the database that are named ...")

    async def _fetch_assets(self) -> None:
        if is_stale():
            self.say("Fetching the pages' style sheet from npm ...")
            log = self._state.log("assets")
            await Child("assets", python("deploy.local.assets"), log=log, reaper=self._reaper).finish()

    async def _compile(self) -> None:
        """Loads the parts' code the first time, while Kafka is fetched. All parts then find it compiled."""
        if not JARS.is_dir():
            command = python("deploy.local.compiled", *(part.module for part in self._plan.parts))
            log = self._state.log("compiled")
            await Child("compiled", command, log=log, reaper=self._reaper).finish()

    async def _create_topics(self, kafka: KafkaConnection, file: Path) -> Localities:
        """Makes what is missing; returns the newest table of the control topic."""
        made, localities = await set_up(kafka, file, control=self._control())
        if made:
            self.say(f"Made {made} topics for {len(localities.slugs)} localities")
        return localities

    def _environment(self, stores: Stores, port: int) -> dict[str, str]:
        ports = {"front": port, "mail": self._state.port("mail", MAIL_PORT)}
        for part in self._plan.parts:
            if part.name != "front":
                ports[part.name] = self._state.port(part.name, part.port)
                if ports[part.name] != part.port:
                    self.say(f"Port {part.port} is taken: {part.name} listens on {ports[part.name]} instead")
        self._ports = ports
        self._secrets = run_secrets(self._state.folder)
        given = dict(self._given)
        if stores.has_own_broker:  # Our broker accepts a shorter timeout than a stock broker does.
            given.setdefault("LINKWORK_SESSION_TIMEOUT_MS", "3000")
        return common_environment(
            given,
            folder=self._state.folder,
            mongo_url=stores.mongo_url,
            ports=ports,
            session_key=self._secrets["session_key"],
            demo=self._with_demo() or self._state.demo_loaded.exists(),
        )

    def _kafka_of(self, part: Part) -> dict[str, str]:
        """The connection of a part: with our own broker a user for each part, else the given one."""
        if self._access is not None:
            return kafka_environment(part, self._access.as_user)
        return self._stores.kafka.environment() if self._stores is not None else {}

    async def _start_parts(self, environment: Mapping[str, str], port: int) -> None:
        self.say(f"Starting {', '.join(part.name for part in self._plan.parts)} ...")
        for part in self._plan.parts:
            self._parts.append(
                RunningPart(
                    part,
                    port=self._ports.get(part.name, port),
                    environment={**environment, **self._kafka_of(part), **part.own(self._secrets)},
                    log=self._state.log(part.name),
                    reaper=self._reaper,
                    lifeline=self._lifeline,
                    say=self.say,
                )
            )
        await together(*(running.start() for running in self._parts))

    def _who(self) -> list[User]:
        return list(load_users(USERS_FILE).users.values()) if "development" in self._plan.names else []

    def _with_demo(self) -> bool:
        return self._given.get("DEMO", "1") != "0"

    async def _play_demo(self, environment: Mapping[str, str]) -> None:
        """Loads the invented programme, once in the life of the state folder."""
        demo = self._plan.demo
        if demo is None or not self._with_demo() or self._state.demo_loaded.exists():
            return
        self.say("Playing the invented programme in: pages fill while you look ...")
        own = {**environment, **self._kafka_of(demo), **demo.own(self._secrets)}
        log = self._state.log(demo.name)
        self._demo = Child(demo.name, python(demo.module), log=log, reaper=self._reaper, environment=own)
        telling = asyncio.create_task(self._demo.tell(lambda line: self.say(f"  {line}")))
        try:
            await self._demo.finish()
        except CannotRun as reason:
            self.say(f"The invented programme is not complete: {reason}")
            return
        finally:
            telling.cancel()
        self._state.demo_loaded.touch()
        self.say("The invented programme is in")

    async def _write_table(self, stores: Stores) -> None:
        """Writes the versions of the table for the development issuer, whose users follow it."""
        if self._plan.topics:
            versions = await versions_of(stores.kafka, self._control())
            (self._state.folder / TABLE).write_bytes(exported(versions))

    async def _keep_table(self, stores: Stores) -> None:
        """Publishes what administrators ask for on pages, as this run's operator."""
        if not self._plan.topics:
            return

        async def prepare(table: Localities) -> None:
            access = stores.access(declare(table, demo=self._plan.demo is not None))
            if access is not None:
                await access.apply()
            sandboxes = [locality.slug for locality in table if locality.sandbox]
            await create_topics(stores.kafka, table.slugs, table.partners(), sandboxes=sandboxes)

        mongo = Mongo(stores.mongo_url, "linkwork_referral")
        keeper = TableKeeper(
            TableRequests(mongo),
            stores.kafka,
            self._control(),
            system_clock,
            prepare,
            partial(self._write_table, stores),
        )
        try:
            await keeper.keep()
        finally:
            mongo.client.close()

    def _control(self) -> str:
        named = self._given.get("LINKWORK_CONTROL_TOPIC")
        return named if named and named != NO_TOPIC else CONTROL_TOPIC

    async def _cache_classes(self, stores: Stores) -> None:
        """Makes the next start of our own broker quicker, at the lowest priority."""
        if any(isinstance(store, Kafka) for store in stores.ours):
            await make_class_cache(self._reaper)

    async def _stop(self) -> None:
        if self._stores is not None:
            self._print("")
            self.say("Stopping ...")
        front = [part for part in self._parts if part.name == "front"]
        others = [part for part in self._parts if part.name != "front"]
        for group in (front, others):
            await asyncio.gather(*(part.stop() for part in group))
        if self._stores is not None:
            await self._stores.stop()
        self._reaper.close()
        os.close(self._held)
        os.close(self._lifeline)
        if self._stores is not None:
            self._state.processes.unlink(missing_ok=True)
            self.say("Stopped; everything is kept in .linkwork")
        self._state.unlock()
