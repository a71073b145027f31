"""The whole of Linkwork as real processes, observed and used from outside only."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from deploy.demo.link_workers import link_workers, rooms
from deploy.demo.services import directory_documents
from deploy.development.settings import USERS_FILE
from deploy.development.signing import IssuerKey
from deploy.development.users import User, load_users
from deploy.local.ports import free_port
from deploy.local.reaper import ROOT
from shared.platform.clock import LONDON
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, load_localities
from tests.harness.journey.clock import MovedClock
from tests.harness.journey.part import PART
from tests.harness.local.started import Started

ADMIN = "admin"
TOKEN_LASTS = timedelta(hours=1)
PATIENCE = 60.0


@dataclass
class System:
    """A running Linkwork. `http` is a client of the front; `accepted` are the accepted referrals (201)."""

    started: Started
    clock: MovedClock
    kafka: KafkaConnection
    mongo: AsyncMongoClient[dict[str, Any]]
    mongo_url: str
    databases: str
    http: httpx.AsyncClient
    localities: Localities = field(default_factory=load_localities)
    users: dict[str, User] = field(default_factory=lambda: dict(load_users(USERS_FILE).users))
    accepted: set[str] = field(default_factory=set)
    # Every requested address.
    addresses: list[str] = field(default_factory=list)
    # The title of every page that a browser showed.
    titles: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.started.port}"

    @property
    def control_topic(self) -> str:
        """The topic of the table of this run alone: its parts may change owners."""
        return control_topic(self.databases)

    @property
    def logs(self) -> list[Path]:
        return [self.started.output, *sorted((self.started.state / "logs").iterdir())]

    def token(self, user: str | None = None, **claims: Any) -> str:
        """An access token of an invented user, or with these claims, as the issuer would sign it now."""
        key = IssuerKey.kept_in(
            self.started.state, issuer=f"{self.url}/dev/issuer", audience="linkwork", clock=self.clock
        )
        whole = self.users[user].claims() if user else {}
        return key.sign({**whole, **claims}, TOKEN_LASTS)

    def bearer(self, user: str | None = None, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(user, **claims)}"}

    def referrer(self, practice: str) -> str:
        """The id of a user who refers from this practice."""
        return next(u.id for u in self.users.values() if u.role == "referrer" and practice in u.practices)

    async def call(
        self, method: str, path: str, user: str, body: Any = None, key: str | None = None, **query: Any
    ) -> httpx.Response:
        """Sends one request through the front.

        Repeats it unchanged while the system is temporarily unable.
        """
        key = key or new_id()
        for _ in range(60):
            headers = {**self.bearer(user), "idempotency-key": key}
            answer = await self.http.request(method, path, json=body, params=query, headers=headers)
            if answer.status_code not in (502, 503, 504):
                return answer
            await asyncio.sleep(0.5)
        raise AssertionError(f"{method} {path} stays away: {answer.text}")

    async def done(self, method: str, path: str, user: str, body: Any = None, **query: Any) -> Any:
        """Sends a request and expects success."""
        answer = await self.call(method, path, user, body, **query)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def mailbox(self) -> list[dict[str, Any]]:
        """The sent messages, newest first."""
        found = await self.done("GET", "/dev/mailbox.json", ADMIN)
        messages: list[dict[str, Any]] = found["messages"]
        return messages

    async def figures(self) -> dict[str, dict[str, Any]]:
        """Exact figures by place."""
        found = await self.done("GET", "/api/evaluation/v1/figures", ADMIN)
        return {place["place"]: place for place in found["places"]}

    def port(self, part: str) -> int:
        ports: dict[str, int] = json.loads((self.started.state / "ports.json").read_text())
        return ports[part]

    def pid(self, part: str) -> int:
        """The present process of this part."""
        for pid in self.started.children():
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if f"{PART}={part}".encode() in variables:
                return pid
        raise LookupError(part)

    def kill(self, part: str) -> None:
        """Sends SIGKILL. The supervisor starts the part again."""
        os.kill(self.pid(part), signal.SIGKILL)

    async def answers(self, part: str) -> None:
        """Waits until the part is ready."""

        async def ready() -> bool:
            try:
                return (await self.http.get(f"http://127.0.0.1:{self.port(part)}/readyz")).is_success
            except httpx.TransportError:
                return False

        await until(ready, f"{part} is ready")


async def until(true: Callable[[], Awaitable[Any]], what: str, seconds: float = PATIENCE) -> Any:
    """Waits until `true` returns a value, and returns it. Fails with `what` after this many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := await true()):
        assert asyncio.get_running_loop().time() < end, f"still waiting: {what}"
        await asyncio.sleep(0.1)
    return found


def control_topic(databases: str) -> str:
    """The control topic of the run whose databases begin with this name."""
    return f"linkwork.control-{databases.replace('_', '-')}.v1"


def monday_morning(after: datetime) -> datetime:
    """9:30 in London on the next Monday."""
    day = after.astimezone(LONDON).date()
    return datetime.combine(day + timedelta(days=7 - day.weekday()), time(9, 30), LONDON)


@asynccontextmanager
async def running(folder: Path, kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[System]:
    """Starts everything, fills diaries and directory, and stops at the end. Drops its databases."""
    state, databases = folder / "state", f"journey_{new_id().replace('-', '')[-10:]}"
    clock = MovedClock(state)
    clock.move_to(monday_morning(clock()))
    started = _start(state, databases, kafka, mongo_url)
    try:
        await asyncio.to_thread(started.until, "Everything answers")
        async with AsyncMongoClient[dict[str, Any]](mongo_url) as mongo:
            # Tests read redirects themselves, and keep their own cookies.
            async with httpx.AsyncClient(
                base_url=f"http://localhost:{started.port}", timeout=30, trust_env=False
            ) as http:
                system = System(started, clock, kafka, mongo, mongo_url, databases, http)
                http.event_hooks["request"].append(_note(system))
                await _fill(system)
                yield system
            for name in await mongo.list_database_names():
                if name.startswith(databases):
                    await mongo.drop_database(name)
    finally:
        await asyncio.to_thread(started.end)


def _note(system: System) -> Callable[[httpx.Request], Awaitable[None]]:
    async def note(request: httpx.Request) -> None:
        system.addresses.append(str(request.url))

    return note


def _start(state: Path, databases: str, kafka: KafkaConnection, mongo_url: str) -> Started:
    port, output = free_port(), state.parent / "run.txt"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
    environment |= {
        **kafka.environment(),
        "LINKWORK_MONGO_URL": mongo_url,
        # No referrer can still change the referral.
        "LINKWORK_NOTIFICATION_DELAY_SECONDS": "1",
        "LINKWORK_ADMISSION": "0",  # Partners of these journeys write past it.
        "LINKWORK_CONTROL_TOPIC": control_topic(databases),
        "LINKWORK_HEARTBEAT_SECONDS": "0",  # Without admission it is not answered.
        "PORT": str(port),
        "DEMO": "0",
    }
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.harness.journey.run", str(state), databases],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Started(process, state, port, output)


async def _fill(system: System) -> None:
    """Loads rooms, link workers and services as the demonstration does."""
    today = system.clock().astimezone(LONDON).date()
    for room in rooms():
        await system.done("PUT", f"/api/matching/v1/rooms/{room['id']}", ADMIN, room)
    for worker in link_workers(today):
        await system.done("PUT", f"/api/matching/v1/link-workers/{worker['id']}", ADMIN, worker)
    for slug, document in directory_documents(today).items():
        await system.done("POST", "/api/matching/v1/directory/imports", ADMIN, document, feed=f"demo-{slug}")
