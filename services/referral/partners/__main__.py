"""`python -m services.referral.partners` runs admission as a process by itself, with readiness and metrics.

Its settings are those of the referral service; that one is then given LINKWORK_ADMISSION=0.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from services.referral.settings import ReferralSettings
from shared.delivery.control.served import ServedSlugs
from shared.delivery.control.table import table_of
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.web.app import create_service_app, serve
from shared.platform.web.settings import load


def create_admission_app(settings: ReferralSettings, *, clock: Clock = system_clock) -> FastAPI:
    """Admission alone: no page and no API of its own."""
    followed = table_of(settings, None, clock)
    options = replace(Options.of(settings), kafka=settings.admission_kafka)
    mongo = Mongo(options.mongo_url, options.database, name="linkwork-admission")
    keeper = RefusalKeeper(mongo)
    table, rate = ProgrammeTable(followed.localities), settings.admission_records_a_second
    admission = Admission(options, table, keeper, InboxEnds(mongo), ServedSlugs(followed), rate, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await followed.start(mongo, lambda: None)
        admission.start()
        yield
        await admission.stop()
        await followed.stop()
        await mongo.close()

    async def ready() -> tuple[bool, dict[str, Any]]:
        return True, {"table": followed.detail(), "admission": admission.detail()}

    return create_service_app(
        settings,
        title="Linkwork admission",
        routers=[],
        lifespan=lifespan,
        ready=ready,
        live=lambda: admission.live and followed.live,
        clock=clock,
    )


if __name__ == "__main__":
    loaded = load(ReferralSettings)
    serve(lambda: create_admission_app(loaded), loaded)
