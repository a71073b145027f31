"""Wiring: settings, gateways, kernel, API and pages of one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.notifications.channels.sms import HttpTexts
from services.notifications.channels.smtp import SmtpGateway
from services.notifications.clients.peers import PeerServices
from services.notifications.definition import service_definition
from services.notifications.ledger import api
from services.notifications.ledger import repository as store
from services.notifications.ledger.pages import TEMPLATES, page_routes
from services.notifications.ledger.queries import Questions
from services.notifications.messages.effects import Outbound
from services.notifications.settings import NotificationsSettings
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.localities import LOCALITIES_FILE, Localities, load_localities
from shared.platform.web.app import create_service_app
from shared.platform.web.pages import Pages
from shared.platform.web.service_token import ServiceTokens


def create_app(
    settings: NotificationsSettings,
    *,
    localities: Localities | None = None,
    options: Options | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
) -> FastAPI:
    """The application; its lifespan runs the kernel. `app.state.kernel` is the kernel."""
    known = localities or load_localities(settings.localities_file or LOCALITIES_FILE)
    served = [locality.slug for locality in known.served(settings.localities)]
    http = httpx.AsyncClient()
    outbound = Outbound(
        asked=PeerServices(settings, http, ServiceTokens(settings, clock)),
        mail=SmtpGateway(settings, clock),
        texts=HttpTexts(settings, http),
        localities=known,
        public_url=settings.public_url,
        clock=clock,
    )
    part = service_definition(settings, known, outbound)
    kernel = Kernel(part, options or Options.unhurried(settings), served, clock, new_id)
    questions = Questions(kernel.mongo, served)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, kernel.running():
            await store.ensure_indexes(kernel.mongo)
            yield

    app = create_service_app(
        settings,
        title="Linkwork notifications",
        routers=[api.routes(questions), page_routes(questions, known)],
        pages=Pages(settings, TEMPLATES),
        lifespan=lifespan,
        ready=kernel.ready,
        live=kernel.live,
        clock=clock,
    )
    app.state.kernel = kernel
    return app
