"""The booking part of `examples/booking-js`, as a process of its own beside an invented Linkwork."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI, Request, Response

from deploy.local.assets import node, npm
from deploy.local.ports import free_port
from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import event_topics
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import LOCALITIES_FILE, Claim
from shared.platform.localities.document import read_document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_claim, with_owner
from tests.harness.pages.serving import serving
from tests.harness.referral.running import PRACTICE, ReferralHarness

ROOT = Path(__file__).parents[3]
NAME = "booking-js"
Record = dict[str, Any]


async def installed(folder: Path) -> Path:
    """A copy of the example beside what it reads of the tree, with its packages installed."""
    ignored = shutil.ignore_patterns("node_modules", "*.py", "__pycache__")
    for part in ("examples/fold-js", f"examples/{NAME}", "shared/contract"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    example = folder / "examples" / NAME
    command = [*npm(folder), "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
    process = await asyncio.create_subprocess_exec(*command, cwd=example)
    async with asyncio.timeout(180):
        assert await process.wait() == 0
    return example


def link_worker(locality: str, number: int, *, leave: tuple[tuple[str, str], ...] = ()) -> Record:
    """A link worker of all practices with hours on each day of the week, as the look-up has them."""
    hours = {"opens": "09:00:00", "closes": "17:00:00", "practices": [PRACTICE], "place": f"Room {number}"}
    return {
        "id": f"lw-{locality}-{number}",
        "locality": locality,
        "name": f"Invented {number}",
        "email": f"lw{number}@links.example",
        "telephone": "+441632960401",
        "hours": [{"weekday": weekday, **hours} for weekday in range(7)],
        "leave": [{"first": first, "last": last} for first, last in leave],
        "languages": ["en"],
        "meeting_minutes": 45,
        "caseload_limit": 1000,
        "home_visits": True,
        "active": True,
    }


@dataclass
class InventedLinkwork:
    """The address that the part knows: the referral service answers, and a test says what casework would."""

    referral: ReferralHarness
    address: str = ""
    workers: list[Record] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def configuration() -> Record:
            issuer = self.referral.issuer
            return {
                "issuer": issuer.url,
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": issuer.jwks_url,
            }

        @app.post("/token")
        async def token() -> Record:
            token = self.referral.partner(NAME)["authorization"].removeprefix("Bearer ")
            return {"access_token": token, "expires_in": 3600}

        @app.get("/api/contract/v1/{name}")
        async def partners_api(name: str, request: Request) -> Response:
            headers = {"authorization": request.headers["authorization"]}
            found = await self.referral.http.get(
                f"/api/contract/v1/{name}", params=dict(request.query_params), headers=headers
            )
            return Response(found.content, found.status_code, media_type="application/json")

        @app.get("/api/contract/v1/casework/link-workers")
        async def link_workers(request: Request) -> Response:
            body = json.dumps({"link_workers": self.workers})
            etag = f'"{hash(body)}"'
            if request.headers.get("if-none-match") == etag:
                return Response(status_code=304)
            return Response(body, media_type="application/json", headers={"etag": etag})

        return app


@dataclass
class BookingJs:
    """The part, which a test starts, kills and asks."""

    referral: ReferralHarness
    linkwork: InventedLinkwork
    folder: Path
    database: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def source(self) -> str:
        return f"/{self.referral.here}/{NAME}"

    async def start(self) -> None:
        kafka = self.referral.kafka
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP": kafka.bootstrap,
            "KAFKA_USER": kafka.user,
            "KAFKA_PASSWORD": kafka.password.get_secret_value(),
            "LOCALITY": self.referral.here,
            "PARTNER": NAME,
            "DATABASE": str(self.database),
            "PORT": str(self.port),
            "API": "linkwork",  # The audience of the test's tokens.
            "LINKWORK_URL": self.linkwork.address,
            "OIDC_ISSUER": self.linkwork.address,
            "OIDC_CLIENT_ID": f"partner-{NAME}",
            "OIDC_CLIENT_SECRET": "a secret",
        }
        with (self.database.parent / "log").open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                node(self.folder), "main.mjs", cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """Ends the process as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
        self.process = None

    async def ask(
        self, method: str, path: str, *, key: str = "", scopes: str = "", **more: Any
    ) -> httpx.Response:
        """Asks an operation, as a service of Linkwork does, once the part listens."""
        headers = self.referral.service(scopes or "meetings:read meetings:write capacity:read")
        headers |= {"idempotency-key": key} if key else {}
        url = f"http://127.0.0.1:{self.port}/api/contract/v1/booking/{path}"
        async with httpx.AsyncClient(timeout=10) as client, asyncio.timeout(30):
            while True:
                with contextlib.suppress(httpx.ConnectError):
                    answer = await client.request(method, url, headers=headers, **more)
                    if answer.status_code != 503:
                        return answer
                await asyncio.sleep(0.1)

    async def hand_over(self, to: str, epoch: int) -> None:
        """Writes the markers of an epoch into every partition, and makes the table say so."""
        body = PartHandedOver(locality=self.referral.here, part="booking", epoch=epoch, owner=to)
        producer = self.referral.producer
        for topic in event_topics(self.referral.here):
            for partition in await producer.partitions_for(topic):
                event: Any = topic.split(".")[1]
                marker = Marker(new_id(), event, system_clock(), body, body.model_dump_json().encode())
                await producer.send_and_wait(
                    topic, marker.raw, key=b"booking", headers=marker.headers(), partition=partition
                )
        self.table(to, epoch)

    def table(self, owner: str, epoch: int, to: str | None = None) -> None:
        """Puts a table in force. `to`: the part is being handed over to this owner."""
        referral = self.referral
        document = read_document(referral.settings.localities_file or LOCALITIES_FILE)
        document = with_owner(document, referral.here, "booking", owner, epoch)
        if to is not None:
            document = with_claim(document, referral.here, "booking", Claim(to, system_clock()))
        referral.context.localities.become(localities_of(document, "a document"))

    async def facts(self, until: Callable[[list[Record]], bool], seconds: float = 45.0) -> list[Record]:
        """All that the part has said, each fact once, as soon as it is so."""
        topics = event_topics(self.referral.here)[1:]
        found: list[Record] = []
        async with AIOKafkaConsumer(
            *topics,
            **self.referral.kafka.client_arguments(),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        ) as consumer:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not until(found):
                        for records in (await consumer.getmany(timeout_ms=200)).values():
                            for record in records:
                                headers = {name: value.decode() for name, value in record.headers}
                                body = json.loads(record.value or b"{}")
                                fact = {"kind": "meeting_booked", **body, "id": headers["ce_id"]}
                                if headers["ce_source"] == self.source and fact not in found:
                                    found.append(fact)
        assert until(found), f"{found}\n{(self.database.parent / 'log').read_text()}"
        return found

    async def inbox(self) -> list[tuple[str, Record]]:
        """Type and body of each record of the part's inbox."""
        place = TopicPartition(f"in.{self.referral.here}.{NAME}", 0)
        found: list[tuple[str, Record]] = []
        async with AIOKafkaConsumer(**self.referral.kafka.client_arguments()) as consumer:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, 0)
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        named = dict(record.headers)["ce_type"].decode()
                        found.append((named, json.loads(record.value or b"{}")))
        return found


@asynccontextmanager
async def booking_js(referral: ReferralHarness, example: Path, folder: Path) -> AsyncIterator[BookingJs]:
    """The part and its Linkwork. The part does not run yet."""
    linkwork = InventedLinkwork(referral)
    linkwork.workers = [link_worker(referral.here, number) for number in (1, 2)]
    async with serving(linkwork.app()) as address:
        linkwork.address = address
        part = BookingJs(referral, linkwork, example, folder / "booking.sqlite", free_port())
        try:
            yield part
        finally:
            await part.kill()
