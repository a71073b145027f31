"""Wires one process of the notifications service: settings, gateways, kernel, API and pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from services.notifications.channels.sms import HttpTextGateway
from services.notifications.channels.smtp import SmtpGateway
from services.notifications.clients.peers import PeerServices
from services.notifications.collections import ensure_indexes
from services.notifications.definition import service_definition
from services.notifications.ledger import api
from services.notifications.ledger.pages import TEMPLATES, overview
from services.notifications.ledger.queries import MessageQueries
from services.notifications.messages.addressing import Addressing
from services.notifications.messages.effects import MessageSender
from services.notifications.settings import NotificationsSettings
from services.notifications.webhooks import api as webhooks_api
from services.notifications.webhooks.use_cases import NoSuchEndpoint
from services.notifications.webhooks.wiring import Resolve, make_webhooks, resolve_name
from shared.delivery.audit.api import audit_router
from shared.delivery.control.table import table_of
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.localities import Localities
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.app import create_service_app
from shared.platform.web.owners import Owners
from shared.platform.web.pages import Pages
from shared.platform.web.service_token import ServiceTokens


def create_app(
    settings: NotificationsSettings,
    *,
    localities: Localities | None = None,
    options: Options | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
    resolve: Resolve = resolve_name,
) -> FastAPI:
    """Creates the application. Its lifespan runs the kernel, and sends webhooks.

    `resolve` replaces the name servers for hosts of webhooks. Handlers find on `request.app.state`: kernel,
    localities, queries, webhooks.
    """
    table = table_of(settings, localities, clock)
    known = table.localities
    http = httpx.AsyncClient(verify=trusted_by_clients())
    peers = PeerServices(Owners.of(known, settings), http, ServiceTokens(settings, clock))
    sender = MessageSender(
        Addressing(peers, known, settings.public_url),
        mail=SmtpGateway(settings, clock),
        texts=HttpTextGateway(settings, http),
        clock=clock,
        is_sandbox=known.is_sandbox,
    )
    definition = service_definition(settings, known, sender)
    timings = options or Options.unhurried(settings)
    kernel = Kernel(definition, timings, table, clock, new_id)
    webhooks = make_webhooks(
        settings, timings, kernel.mongo, kernel.localities, known, clock, new_id, resolve
    )

    async def ready() -> tuple[bool, dict[str, Any]]:
        answers, detail = await kernel.ready()
        return answers, detail | {"webhooks": webhooks.dispatcher.detail()}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, kernel.running():
            await ensure_indexes(kernel.mongo)
            webhooks.dispatcher.start()
            yield
            await webhooks.dispatcher.stop()

    app = create_service_app(
        settings,
        title="Linkwork notifications",
        routers=[api.router, overview.router, webhooks_api.router, audit_router("notifications")],
        pages=Pages(settings, TEMPLATES),
        lifespan=lifespan,
        localities=known,
        ready=ready,
        live=lambda: kernel.live() and webhooks.dispatcher.live,
        clock=clock,
        refusals=kernel.refusals,
    )
    app.state.kernel = kernel
    app.state.localities = known
    app.state.queries = MessageQueries(kernel.mongo, kernel.localities)
    app.state.webhooks = webhooks.use_cases
    app.add_exception_handler(NoSuchEndpoint, webhooks_api.no_such_endpoint)
    return app
