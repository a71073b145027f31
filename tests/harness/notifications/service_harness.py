"""The whole service in a locality of its own, on the real broker and database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
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
from tests.harness.notifications.facts import FactBuilder
from tests.harness.notifications.fake_peers import FakePeers
from tests.integration.notifications.conftest import FakeClock, settings_for

HUB = Contact("Hub (example)", "01632 960100", "hub@hub.example")
MAILBOX = "m83100@practices.example"


def programme(slug: str) -> Localities:
    """A programme of one locality with one practice."""
    practice = Practice(
        "M83100", "Meir (example)", "Meir Primary Care Centre", "ST3 6AB", None, slug, MAILBOX
    )
    sources = {
        f"/{slug}/{name}": Source(f"/{slug}/{name}", name, rank, OWN_VAULT)
        for name, rank in (("matching", 40), ("referral", 30))
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
    )
    return Localities("Programme (example)", HUB, (locality,), ())


@dataclass
class NotificationsHarness:
    """A locality whose messages this test watches."""

    bench: Bench
    around: FakePeers
    clock: FakeClock
    said: list[Envelope] = field(default_factory=list)
    more_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> NotificationsSettings:
        database = self.bench.options.database
        return settings_for(
            self.around, database=database, notification_delay_seconds=5, **self.more_settings
        )

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[FastAPI]:
        """The service, from its start to its end."""
        app = create_app(
            self.settings,
            localities=programme(self.bench.locality),
            options=replace(self.bench.options, **options),
            clock=self.clock,
        )
        async with app.router.lifespan_context(app):
            yield app

    def teller(self) -> FactBuilder:
        """Speaks of a referral that nobody has heard of, at the time of this place's clock."""
        return FactBuilder(self.bench.locality, str(uuid4()), self.clock.now)

    async def say(self, teller: FactBuilder, *bodies: EventBody) -> None:
        """Publishes these facts; ReferralCreated is said by the referral service."""
        for body in bodies:
            by = "referral" if type(body).__name__ == "ReferralCreated" else "matching"
            event = teller.envelope(body, by, self.clock.now)
            event = Envelope(new_id(), event.source, event.event, event.time, event.recorded, body, event.raw)
            self.said.append(event)
        await self.bench.say(*self.said[-len(bodies) :])

    async def say_again(self) -> None:
        """Publishes everything once more, as a producer does that was not sure."""
        await self.bench.say(*self.said)

    async def pass_time(self, **duration: float) -> None:
        """For the programme, and for what rests by the database's clock, which nobody can set."""
        passed = timedelta(**duration)
        self.clock.now += passed
        mongo = Mongo(self.bench.mongo_url, self.bench.options.database)
        sooner = {"$subtract": ["$rests", int(passed.total_seconds() * 1000)]}
        await mongo[TASKS].update_many({"rests": {"$ne": None}}, [{"$set": {"rests": sooner}}])
        await mongo.close()

    async def in_time(self, true: Callable[[], bool]) -> None:
        """Lets the clock run twenty times as fast until it is so."""
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.05)
                await self.pass_time(seconds=1)


def kernel_of(app: FastAPI) -> Kernel[NotificationState, Any]:
    kernel: Kernel[NotificationState, Any] = app.state.kernel
    return kernel


async def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until it is so; fails after so many seconds."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


async def wait_until_received(app: FastAPI, place: NotificationsHarness, facts: int) -> None:
    """Waits until the service has taken in so many facts."""

    async def count() -> int:
        rows = kernel_of(app).mongo["referrals"].find({"locality": place.bench.locality})
        return sum([len(row["facts"]) async for row in rows])

    async with asyncio.timeout(10):
        while await count() < facts:
            await asyncio.sleep(0.02)


async def ledger(app: FastAPI) -> dict[str, dict[str, Any]]:
    """What the ledger says, by `template.recipient`."""
    rows = [dict(row) async for row in kernel_of(app).mongo["sent"].find({})]
    return {row["about"].rsplit(".", 1)[0]: row for row in rows}


async def wait_until_ended(app: FastAPI, messages: int) -> dict[str, dict[str, Any]]:
    """The ledger, once so many messages have come to an end."""
    async with asyncio.timeout(10):
        while True:
            found = await ledger(app)
            if sum(row["status"] != "sending" for row in found.values()) >= messages:
                return found
            await asyncio.sleep(0.02)


async def wait_until_each_ended(app: FastAPI, message: str, referrals: int) -> dict[str, dict[str, Any]]:
    """How this message (`template.recipient`) ended, by referral, once so many of them have."""
    wanted = {"about": {"$regex": f"^{message}[.]"}, "status": {"$ne": "sending"}}
    async with asyncio.timeout(10):
        while True:
            rows = [dict(row) async for row in kernel_of(app).mongo["sent"].find(wanted)]
            if len(rows) >= referrals:
                return {row["referral"]: row for row in rows}
            await asyncio.sleep(0.02)
