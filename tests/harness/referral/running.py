"""The referral service, running against a real broker and database, in localities of its own."""

import random
import shutil
import string
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from deploy.topics import first_state
from services.referral.app import create_app
from services.referral.identity.context import ReferralContext
from services.referral.settings import ReferralSettings
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import EventBody
from shared.delivery.kafka.topics import create_topics
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE, load_localities
from shared.platform.web.settings import NO_TOPIC
from tests.harness.web.issuer import LoopbackIssuer

PRACTICE, NEIGHBOUR = "M83100", "M83713"


@dataclass
class ReferralHarness:
    """The running service with its issuer, broker and database.

    `here` and `far` are two localities; `sandbox` is a third, whose heartbeat does not play by itself.
    """

    app: FastAPI
    settings: ReferralSettings
    issuer: LoopbackIssuer
    here: str
    far: str
    kafka: KafkaConnection
    producer: AIOKafkaProducer
    http: httpx.AsyncClient
    far_practice: str = ""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def context(self) -> ReferralContext:
        context: ReferralContext = self.app.state.context
        return context

    @property
    def sandbox(self) -> str:
        return sandbox_beside(self.here)

    @property
    def mongo(self) -> Mongo:
        return self.context.kernel.mongo

    def referrer(self, practice: str = PRACTICE, **claims: Any) -> dict[str, str]:
        """Headers of a referrer at a practice here."""
        whole = {"role": "referrer", "localities": [self.here], "practices": [practice]} | claims
        return self.issuer.bearer(**whole)

    def admin(self, **claims: Any) -> dict[str, str]:
        return self.issuer.bearer(**({"role": "programme_admin", "localities": [self.here]} | claims))

    def service(self, scopes: str = "claims:read", **claims: Any) -> dict[str, str]:
        whole = {"role": "service", "localities": ["*"], "scopes": scopes, "subject": "linkwork-tester"}
        return self.issuer.bearer(**(whole | claims))

    def partner(self, name: str = "vast-hub", **claims: Any) -> dict[str, str]:
        """Headers of a partner's system here."""
        return self.issuer.bearer(
            **({"role": "partner", "partner": name, "localities": [self.here]} | claims)
        )

    def cookies(self, practice: str = PRACTICE, **claims: Any) -> dict[str, str]:
        """The session of a user of the pages."""
        whole = {"role": "referrer", "localities": [self.here], "practices": [practice]} | claims
        return self.issuer.signed_in(self.app, **whole)

    async def make(self, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        return await self.http.post(
            "/api/referral/v1/referrals", json=dict(body), headers=self.referrer() | headers
        )

    async def made(self, body: Mapping[str, Any]) -> str:
        """Makes a referral and gives its id."""
        answer = await self.make(body)
        assert answer.status_code == 201, answer.text
        identity: str = answer.json()["id"]
        return identity

    async def say(
        self, body: EventBody, by: str = "matching", time: datetime | None = None, identity: str | None = None
    ) -> Envelope:
        """Publishes a fact as another service would."""
        now = system_clock()
        envelope = Envelope(
            id=identity or new_id(),
            source=f"/{body.locality}/{by}",
            event=event_of(body),
            time=time or now,
            recorded=now,
            body=body,
            raw=body.model_dump_json(exclude_none=True).encode(),
        )
        await self.producer.send_and_wait(
            envelope.topic(), envelope.raw, key=body.referral_id.encode(), headers=envelope.headers()
        )
        return envelope

    async def until(self, referral: str, locality: str | None = None, **wanted: Any) -> Mapping[str, Any]:
        """The view of a referral once these fields have these values."""

        def test(view: Mapping[str, Any]) -> bool:
            return all(view[name] == value for name, value in wanted.items())

        view = await self.context.kernel.wait_for(locality or self.here, referral, test, 15)
        assert view is not None
        assert test(view), f"still {[view[name] for name in wanted]}"
        return view


@asynccontextmanager
async def started_again(before: ReferralHarness) -> AsyncIterator[ReferralHarness]:
    """Starts a service that has ended, on whatever its database holds by now, and drops the database."""
    app = create_app(before.settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as http,
    ):
        yield replace(before, app=app, http=http)
    await _drop(before.settings)


async def _drop(settings: ReferralSettings) -> None:
    mongo = Mongo(settings.mongo_url, settings.database)
    await mongo.client.drop_database(settings.database)
    mongo.client.close()


def own_localities(folder: Path) -> tuple[Path, str, str]:
    """The programme's localities under unique names, and two of the slugs."""
    ending = "".join(random.choices(string.ascii_lowercase, k=8))
    here, far = f"meir-{ending}", f"leek-{ending}"
    text = LOCALITIES_FILE.read_text("utf-8")
    text = text.replace('slug = "meir"', f'slug = "{here}"')
    text = text.replace('slug = "leek-werrington"', f'slug = "{far}"')
    text = text.replace('slug = "sandbox"', f'slug = "{sandbox_beside(here)}"')
    shutil.copy(LOCALITIES_FILE.with_name("gp_practices.csv"), folder)
    path = folder / "localities.toml"
    path.write_text(text, "utf-8")
    return path, here, far


def sandbox_beside(here: str) -> str:
    """The slug of the sandbox among the localities of `own_localities`."""
    return f"sandbox-{here.partition('-')[2]}"


@asynccontextmanager
async def running_referral(
    folder: Path,
    issuer: LoopbackIssuer,
    kafka: KafkaConnection,
    mongo_url: str,
    *,
    brings: str = "",
    part: str = "booking",
    adds: str = "",
    **more: Any,
) -> AsyncIterator[ReferralHarness]:
    """Starts the service; the database is dropped afterwards.

    `brings`: the name of a source of the file that owns the part here. `adds`: a further source, in TOML.
    """
    path, here, far = own_localities(folder)
    if adds:
        path.write_text(path.read_text("utf-8").replace("\nsources = [", f"\nsources = [{adds},", 1), "utf-8")
    if brings:
        owner = f'\nowners = {{ {part} = {{ owner = "{brings}", epoch = 1 }} }}'
        path.write_text(path.read_text("utf-8").replace("\nowners = {}", owner, 1), "utf-8")
    served = [here, far, sandbox_beside(here)]
    values = {
        **kafka.settings(),
        "mongo_url": mongo_url,
        "database": f"test_referral_{here.replace('-', '_')}",
        "localities_file": path,
        "localities": ",".join(served),
        "heartbeat_seconds": 0,
    } | more
    settings = issuer.settings(ReferralSettings, **values)
    partners = [name for name in load_localities(path).partners() if name.split("/")[1] in served]
    control = settings.control_topic
    await create_topics(
        kafka,
        served,
        partners,
        sandboxes=served[2:],
        control=None if control == NO_TOPIC else control,
    )
    if control != NO_TOPIC:
        await first_state(kafka, path, control)
    app = create_app(settings)
    producer = AIOKafkaProducer(**kafka.client_arguments())
    await producer.start()
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as http,
    ):
        context: ReferralContext = app.state.context
        far_practice = context.localities.by_slug[far].practices[0].ods
        yield ReferralHarness(app, settings, issuer, here, far, kafka, producer, http, far_practice)
    await producer.stop()
    await _drop(settings)
