"""Booking, casework and directory of one locality, each owned by a stub that knows only the contract.

The hand-overs are those of `linkwork hand-over run`. What the stubs say lies in the locality's topics, as
admission would copy it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson

from linkwork.config import Config
from linkwork.hand_over.commands import HandOverCommand
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import ReferralCreated
from shared.contract.events.topics import PARTS, SourcePart, partner_source
from shared.delivery.control.publishing import change_table
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.control import Document, with_part
from tests.harness.journey import travel as chapter
from tests.harness.journey.adventures import texted
from tests.harness.journey.system import System, until
from tests.harness.journey.topics import log_of, say
from tests.harness.journey.travel import AFTER, BEFORE, Journey
from tests.harness.pages.serving import serving
from tests.harness.parts.booking import StubBooking
from tests.harness.parts.casework import StubCasework
from tests.harness.parts.directory import StubDirectory
from tests.harness.parts.elsewhere import fact_of
from tests.harness.parts.operations import ServedPart
from tests.harness.parts.owned import RANK

NAMES: Final[Mapping[SourcePart, str]] = {
    "booking": "booking-stub",
    "casework": "casework-stub",
    "directory": "directory-stub",
}


@dataclass
class Elsewhere:
    """The stubs, and the locality whose parts they own. `served`: what our services asked of each."""

    system: System
    locality: str
    booking: StubBooking
    casework: StubCasework
    directory: StubDirectory
    served: Mapping[SourcePart, ServedPart]

    async def hears(self, referral: str) -> ReferralCreated:
        """Waits until the creation of a referral is on the bus, and returns it."""

        async def created() -> ReferralCreated | None:
            log = await log_of(self.system.kafka, (self.locality,))
            found = (event.body for event in log.events if event.body.referral_id == referral)
            return next((body for body in found if isinstance(body, ReferralCreated)), None)

        found: ReferralCreated = await until(created, "the creation of a referral")
        return found

    async def travel(self) -> Journey:
        """Runs one person's journey to the measured outcome: our referral service, and the three stubs."""
        system = self.system
        journey = await chapter.refer(system, self.locality)
        created = await self.hears(journey.referral)
        await self.booking.refer(journey.referral, created.practice)
        self.casework.cases[journey.referral] = self.booking.link_worker
        await chapter.booked(system, journey)
        await texted(system, journey, "your appointment is on")
        system.clock.move_to(chapter.starts(journey) + timedelta(hours=1))
        await self._meets(journey)
        await self.directory.reply(journey.prescription, "accepted")
        await self.directory.visited(journey.prescription, chapter.today(system))
        system.clock.move_to(system.clock() + timedelta(weeks=12))
        await self.casework.measured(journey.referral, "after", AFTER)
        await self.casework.close(journey.referral)
        return journey

    async def _meets(self, journey: Journey) -> None:
        """Agrees a plan with one service, and waits until that service was asked."""
        casework, directory, referral = self.casework, self.directory, journey.referral
        await casework.met(referral, journey.meeting["id"])
        await casework.measured(referral, "before", BEFORE)
        journey.need = "debt"
        name = "Debt desk over there (example)"
        journey.service = directory.list_service(name, journey.need, mailbox_confirmed=True)
        journey.prescription = await casework.prescribe(
            referral, journey.service, journey.need, may_share=True
        )
        directory.prescribed[journey.prescription] = referral

        async def asked() -> bool:
            mails = await self.system.mailbox()
            return any(f"{directory.address}/answer/" in message["text"] for message in mails)

        await until(asked, "the mail to the service", 120)


@asynccontextmanager
async def owned_elsewhere(system: System, locality: str) -> AsyncIterator[Elsewhere]:
    """Hands the three parts over to stubs, which answer until the end. They are not given back."""
    practice = system.localities.by_slug[locality].practices[0].ods

    def says(part: SourcePart) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
        async def said(event: str, body: dict[str, Any]) -> None:
            await say(system.kafka, _envelope(system, partner_source(locality, NAMES[part]), event, body))

        return said

    booking = StubBooking(locality, f"lw-{locality}-9", says("booking"), system.clock)
    casework = StubCasework(locality, says("casework"), system.clock)
    casework.employ(booking.link_worker, practice)
    directory = StubDirectory(locality, says("directory"))
    served: Mapping[SourcePart, ServedPart] = {
        "booking": booking.served(),
        "casework": casework.served(),
        "directory": directory.served(),
    }
    async with AsyncExitStack() as serves:
        addresses = {
            part: await serves.enter_async_context(serving(each.application()))
            for part, each in served.items()
        }
        await _publish_sources(system, locality, addresses)
        await asyncio.gather(*(_hand_over(system, locality, part) for part in served))
        yield Elsewhere(system, locality, booking, casework, directory, served)


def _envelope(system: System, source: str, event: str, body: dict[str, Any]) -> Envelope:
    now, model = system.clock(), fact_of(event, body)
    return Envelope(new_id(), source, event_of(model), now, now, model, orjson.dumps(body))


async def _publish_sources(system: System, locality: str, addresses: Mapping[SourcePart, str]) -> None:
    """Names the stubs' sources and the addresses of their operations in the table of this run."""

    def change(document: Mapping[str, Any]) -> Document:
        changed = dict(document)
        for part, address in addresses.items():
            changed = with_part(changed, NAMES[part], part, locality, address, RANK)
        return changed

    await change_table(system.kafka, system.control_topic, change, "tests", system_clock())


async def _hand_over(system: System, locality: str, part: SourcePart) -> None:
    config = Config(
        kafka=system.kafka,
        mongo_url=system.mongo_url,
        localities_file=LOCALITIES_FILE,
        operator="tests",
        control_topic=system.control_topic,
        databases={service: f"{system.databases}_{service}" for service in PARTS},
    )
    command = HandOverCommand("run", locality, part, NAMES[part], "the journey with other owners", seconds=60)
    assert await command.run(config) == 0
