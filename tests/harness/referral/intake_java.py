"""The referral part of `examples/intake-java`, as a process of its own beside an invented Linkwork."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI, Request, Response

from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import event_topics
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import LOCALITIES_FILE, Claim
from shared.platform.localities.document import read_document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_claim, with_owner
from shared.platform.outbound.certificates import trusted_by_clients
from tests.harness.java import class_path, compiled
from tests.harness.pages.serving import serving
from tests.harness.referral.running import PRACTICE, ReferralHarness

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "examples" / "intake-java"
NAME: Final = "intake-java"
# Jars that the broker does not bring: those of the pom, and one that they need.
OTHERS: Final = {
    "com.ethlo.time:itu:1.14.0": "5cf40ab0cc77828ab2b875b1f3ecd71c8295d7721933476abc2e08fddcea164a",
    "com.networknt:json-schema-validator:1.5.9": (
        "e0b8baeb78fd1ba027454ee3974d8a02f54447eaa510d3052820a7d2160d9ae4"
    ),
    "org.xerial:sqlite-jdbc:3.53.4.0": "bcb1f51e36f940867e83342f9efbf5968ac44a6bef4d397bb4af7b17b45cd2fb",
}
PASSWORD: Final = "a password for tests only"
VAULT_KEY: Final = base64.b64encode(bytes(range(64))).decode()
Json = dict[str, Any]


async def compiled_intake(folder: Path) -> list[str]:
    """The command that runs the part, compiled into this folder."""
    shutil.copytree(FOLDER, folder / "source", ignore=shutil.ignore_patterns("lib", "classes"))
    path = class_path(FOLDER / "pom.xml", OTHERS)
    command = await compiled(folder / "source" / "Intake.java", path, folder / "classes")
    # The part starts in half the time, and may load SQLite's library.
    return [command[0], "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", *command[1:]]


def settings(folder: Path, port: int, audience: str) -> dict[str, str]:
    """The part's environment, without Kafka, Linkwork and the locality."""
    return {
        "PORT": str(port),
        "API": audience,
        "FOLDER": str(folder),
        "CONTRACT": str(ROOT / "shared" / "contract"),
        "VAULT_KEY": VAULT_KEY,
        "DESK_PASSWORD": PASSWORD,
    }


def form(asked: Json, practice: str = PRACTICE) -> Json:
    """A referral of the tests' making, as the part's desk takes it."""
    person = ("given_name", "family_name", "date_of_birth", "nhs_number", "telephone", "postcode")
    agreed = {"by": "person", "how": "in_person", "at": "2026-11-30T09:05:00Z"}
    return {
        "person": {**{name: asked[name] for name in person}, "address": asked["house"]},
        "referral": {
            "practice": practice,
            "route": "practice",
            "needs": asked["needs"],
            "agreement": agreed,
            "contact": asked["safe_to_text"],
        },
        "reason": "Has lost touch with the neighbours.",
    }


async def ask_desk(address: str, slug: str, method: str, path: str = "", body: Any = None) -> httpx.Response:
    """Asks the part's desk, as one who refers people."""
    async with httpx.AsyncClient(verify=trusted_by_clients(), timeout=20, auth=("desk", PASSWORD)) as http:
        return await http.request(method, f"{address}/desk/{slug}/referrals{path}", json=body)


@dataclass
class InventedLinkwork:
    """The address that the part knows: the referral service answers, and tokens are given to all."""

    referral: ReferralHarness
    address: str = ""

    def app(self) -> FastAPI:
        app, issuer = FastAPI(), self.referral.issuer

        @app.get("/.well-known/openid-configuration")
        async def configuration() -> Json:
            found = {"issuer": issuer.url, "jwks_uri": issuer.jwks_url}
            return {**found, "token_endpoint": f"{self.address}/token"}

        @app.post("/token")
        async def token(request: Request) -> Json:
            """A partner's own token, or one of our services for the address that it names."""
            form = await request.form()
            headers = self.referral.partner(NAME)
            if "scope" in form:
                headers = self.referral.service(str(form["scope"]), aud=form.get("resource", "linkwork"))
            return {"access_token": headers["authorization"].removeprefix("Bearer "), "expires_in": 3600}

        @app.api_route("/api/contract/v1/{path:path}", methods=["GET", "POST"])
        async def partners_api(path: str, request: Request) -> Response:
            found = await self.referral.http.request(
                request.method,
                f"/api/contract/v1/{path}",
                params=dict(request.query_params),
                content=await request.body(),
                headers={
                    "authorization": request.headers["authorization"],
                    "content-type": "application/json",
                },
            )
            return Response(found.content, found.status_code, media_type="application/json")

        return app


@dataclass
class IntakeJava:
    """The part, which a test starts, kills and asks."""

    referral: ReferralHarness
    linkwork: InventedLinkwork
    command: list[str]
    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def source(self) -> str:
        return f"/{self.referral.here}/{NAME}"

    async def start(self) -> None:
        """Starts the process, and waits until it listens."""
        kafka = self.referral.kafka
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP": kafka.bootstrap,
            "KAFKA_USER": kafka.user,
            "KAFKA_PASSWORD": kafka.password.get_secret_value(),
            "LOCALITY": self.referral.here,
            "PARTNER": NAME,
            "LINKWORK_URL": self.linkwork.address,
            "OIDC_ISSUER": self.linkwork.address,
            "OIDC_CLIENT_ID": f"partner-{NAME}",
            "OIDC_CLIENT_SECRET": "a secret",
            **settings(self.folder, self.port, self.address),
        }
        with (self.folder / "log").open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env=environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(60):
            while True:
                assert self.process.returncode is None, (self.folder / "log").read_text()
                with contextlib.suppress(httpx.TransportError):
                    await self.desk("GET")
                    return
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """Ends the process as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
        self.process = None

    async def desk(self, method: str, path: str = "", body: Any = None, status: int = 200) -> Json:
        """Asks the desk, again as long as the part is not ready."""
        async with asyncio.timeout(60):
            while True:
                answer = await ask_desk(self.address, self.referral.here, method, path, body)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                await asyncio.sleep(0.1)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def refer(self, asked: Json, practice: str = PRACTICE) -> str:
        """Refers a person at the desk, and gives the referral."""
        made = await self.desk("POST", body=form(asked, practice))
        return str(made["referral_id"])

    async def listed(self, referral: str, **wanted: Any) -> Json:
        """The desk's line of a referral, once it has these values."""
        async with asyncio.timeout(30):
            while True:
                lines = (await self.desk("GET"))["referrals"]
                line: Json = next(each for each in lines if each["referral_id"] == referral)
                if all(line[name] == value for name, value in wanted.items()):
                    return line
                await asyncio.sleep(0.1)

    async def claim(self, referral: str) -> httpx.Response:
        """Asks for a name, as casework of Linkwork does."""
        query = {"locality": self.referral.here, "fields": "name", "purpose": "meeting"}
        headers = self.referral.service(aud=self.address)
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            url = f"{self.address}/api/referral/v1/claims/{referral}"
            return await http.get(url, params=query, headers=headers)

    async def hand_over(self, to: str, epoch: int) -> None:
        """Writes the markers of an epoch into every partition, and makes the table say so."""
        body = PartHandedOver(locality=self.referral.here, part="referral", epoch=epoch, owner=to)
        producer = self.referral.producer
        for topic in event_topics(self.referral.here):
            for partition in await producer.partitions_for(topic):
                event: Any = topic.split(".")[1]
                marker = Marker(new_id(), event, system_clock(), body, body.model_dump_json().encode())
                await producer.send_and_wait(
                    topic, marker.raw, key=b"referral", headers=marker.headers(), partition=partition
                )
        self.table(to, epoch)

    def table(self, owner: str, epoch: int, to: str | None = None) -> None:
        """Puts a table in force. `to`: the part is being handed over to this owner."""
        referral = self.referral
        document = read_document(referral.settings.localities_file or LOCALITIES_FILE)
        document = with_owner(document, referral.here, "referral", owner, epoch)
        if to is not None:
            document = with_claim(document, referral.here, "referral", Claim(to, system_clock()))
        referral.context.localities.become(localities_of(document, "a document"))

    async def inbox(self) -> list[tuple[str, str, Json]]:
        """Type, id and body of each record of the part's inbox."""
        place = TopicPartition(f"in.{self.referral.here}.{NAME}", 0)
        found: list[tuple[str, str, Json]] = []
        async with AIOKafkaConsumer(**self.referral.kafka.client_arguments()) as consumer:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, 0)
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        named = {name: value.decode() for name, value in record.headers}
                        found.append((named["ce_type"], named["ce_id"], json.loads(record.value or b"{}")))
        return found


@asynccontextmanager
async def intake_java(
    referral: ReferralHarness, command: list[str], folder: Path, port: int
) -> AsyncIterator[IntakeJava]:
    """The part and its Linkwork. The part does not run yet."""
    linkwork = InventedLinkwork(referral)
    async with serving(linkwork.app()) as address:
        linkwork.address = address
        part = IntakeJava(referral, linkwork, command, folder, port)
        try:
            yield part
        finally:
            await part.kill()
