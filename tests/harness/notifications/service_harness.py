"""Runs the notifications service in a locality of its own, on the real broker and database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from services.notifications.app import create_app
from services.notifications.messages.state import NotificationState
from services.notifications.settings import NotificationsSettings
from shared.contract.events.envelope import Envelope
from shared.contract.events.models import EventBody
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import TASKS
from shared.platform.ids import new_id
from shared.platform.localities import OWN_VAULT, Contact, Localities, Locality, Practice, Source
from tests.harness.delivery.toy import Bench
from tests.harness.notifications.facts import NOW, FactBuilder
from tests.harness.notifications.fake_peers import FakePeers

HUB = Contact("Hub (example)", "01632 960100", "hub@hub.example")
MAILBOX = "m83100@practices.example"


def programme(slug: str, *, sandbox: bool = False) -> Localities:
    """A programme of one locality with one practice."""
    practice = Practice(
        "M83100", "Meir (example)", "Meir Primary Care Centre", "ST3 6AB", None, slug, MAILBOX
    )
    sources = {
        f"/{slug}/{name}": Source(f"/{slug}/{name}", name, rank, OWN_VAULT)
        for name, rank in (("matching", 40), ("booking", 40), ("casework", 40), ("referral", 30))
    }
    sources[f"/{slug}/history"] = Source(f"/{slug}/history", "partner", 10, "https://vault.history.example/")
    desk = Contact("Desk (example)", "01632 960101", "desk@desk.example")
    locality = Locality(
        slug=slug,
        name="Meir",
        place="Meir (example)",
        live_from=date(2025, 1, 6),
        data_controller="Controller (example)",
        employer="Employer (example)",
        privacy_notice="https://privacy.example/",
        minimum_age=18,
        younger_people=desk,
        safeguarding=desk,
        practices=(practice,),
        sources=sources,
        owners={},
        sandbox=sandbox,
    )
    return Localities("Programme (example)", HUB, (locality,), ())


@dataclass
class FakeClock:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def settings_for(peers: FakePeers, **more: Any) -> NotificationsSettings:
    """Settings of a service among these peers."""
    values: dict[str, Any] = {
        "env": "development",
        "smtp_host": "127.0.0.1",
        "smtp_port": peers.smtp_port,
        "sms_url": f"{peers.address}/dev/sms",
        "referral_url": peers.address,
        "matching_url": peers.address,
        "token_url": f"{peers.address}/token",
        "public_url": "http://localhost:8080",
    }
    return NotificationsSettings(**(values | more))


@dataclass
class NotificationsHarness:
    """The service in one locality, with its peers, its clock and the events published so far."""

    bench: Bench
    peers: FakePeers
    clock: FakeClock
    published: list[Envelope] = field(default_factory=list)
    more_settings: dict[str, Any] = field(default_factory=dict)
    sandbox: bool = False

    @property
    def settings(self) -> NotificationsSettings:
        database = self.bench.options.database
        return settings_for(self.peers, database=database, notification_delay_seconds=5, **self.more_settings)

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[FastAPI]:
        """Runs the service while the block does."""
        app = create_app(
            self.settings,
            localities=programme(self.bench.locality, sandbox=self.sandbox),
            options=replace(self.bench.options, **options),
            clock=self.clock,
        )
        async with app.router.lifespan_context(app):
            yield app

    def referral(self) -> FactBuilder:
        """Begins a new referral, at the time of the harness's clock."""
        return FactBuilder(self.bench.locality, str(uuid4()), self.clock.now)

    async def publish(self, referral: FactBuilder, *bodies: EventBody) -> None:
        """Publishes these facts: ReferralCreated by the referral service, all others by matching."""
        for body in bodies:
            by = "referral" if type(body).__name__ == "ReferralCreated" else "matching"
            event = referral.envelope(body, by, self.clock.now)
            event = Envelope(new_id(), event.source, event.event, event.time, event.recorded, body, event.raw)
            self.published.append(event)
        await self.bench.say(*self.published[-len(bodies) :])

    async def publish_again(self) -> None:
        """Publishes everything again, as an unsure producer does."""
        await self.bench.say(*self.published)

    async def advance(self, **duration: float) -> None:
        """Advances the clock, and the tasks that wait by the database's clock, which cannot be set."""
        passed = timedelta(**duration)
        self.clock.now += passed
        mongo = Mongo(self.bench.mongo_url, self.bench.options.database)
        sooner = {"$subtract": ["$not_before", int(passed.total_seconds() * 1000)]}
        await mongo[TASKS].update_many({"not_before": {"$ne": None}}, [{"$set": {"not_before": sooner}}])
        await mongo.close()

    async def advance_until(self, condition: Callable[[], bool]) -> None:
        """Runs the clock at 20 times its speed until the condition holds. Fails after 10 s."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.05)
                await self.advance(seconds=1)


def kernel_of(app: FastAPI) -> Kernel[NotificationState, Any]:
    kernel: Kernel[NotificationState, Any] = app.state.kernel
    return kernel


async def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until the condition holds. Fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


async def wait_until_received(app: FastAPI, harness: NotificationsHarness, facts: int) -> None:
    """Waits until the service has stored so many facts."""

    async def count() -> int:
        rows = kernel_of(app).mongo["referrals"].find({"locality": harness.bench.locality})
        return sum([len(row["facts"]) async for row in rows])

    async with asyncio.timeout(10):
        while await count() < facts:
            await asyncio.sleep(0.02)


async def ledger(app: FastAPI) -> dict[str, dict[str, Any]]:
    """The rows of the ledger, by `template.recipient`."""
    rows = [dict(row) async for row in kernel_of(app).mongo["sent"].find({})]
    return {row["about"].rsplit(".", 1)[0]: row for row in rows}


async def wait_until_ended(app: FastAPI, messages: int) -> dict[str, dict[str, Any]]:
    """Waits until so many messages have ended, and returns the ledger."""
    async with asyncio.timeout(10):
        while True:
            found = await ledger(app)
            if sum(row["status"] != "sending" for row in found.values()) >= messages:
                return found
            await asyncio.sleep(0.02)


async def wait_until_each_ended(app: FastAPI, message: str, referrals: int) -> dict[str, dict[str, Any]]:
    """Waits until this message (`template.recipient`) has ended for so many referrals. Rows by referral."""
    wanted = {"about": {"$regex": f"^{message}[.]"}, "status": {"$ne": "sending"}}
    async with asyncio.timeout(10):
        while True:
            rows = [dict(row) async for row in kernel_of(app).mongo["sent"].find(wanted)]
            if len(rows) >= referrals:
                return {row["referral"]: row for row in rows}
            await asyncio.sleep(0.02)
