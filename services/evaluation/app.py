"""Wires one process of the evaluation service: settings, kernel, API and pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.evaluation.clients.booking import CapacityLookup
from services.evaluation.collections import ensure_indexes
from services.evaluation.definition import service_definition
from services.evaluation.pages import overview
from services.evaluation.reports import api
from services.evaluation.reports.queries import FigureQueries
from services.evaluation.settings import EvaluationSettings
from services.evaluation.web.templating import make_pages
from shared.delivery.audit.api import audit_router
from shared.delivery.control.table import table_of
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.localities import Localities
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.app import create_service_app
from shared.platform.web.keys import KeySource
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient
from shared.platform.web.service_token import ServiceTokens


def create_app(
    settings: EvaluationSettings,
    *,
    localities: Localities | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
    keys: KeySource | None = None,
    options: Callable[[EvaluationSettings], Options] = Options.unhurried,
) -> FastAPI:
    """Creates the application. Its lifespan runs the kernel.

    Handlers find on `request.app.state`: kernel, queries, capacity.
    """
    table = table_of(settings, localities, clock)
    known = table.localities
    kernel = Kernel(service_definition(known), options(settings), table, clock, new_id)
    http, owners = httpx.AsyncClient(verify=trusted_by_clients()), Owners.of(known, settings)
    capacity = CapacityLookup(owners, ServiceClient(http, ServiceTokens(settings, clock)), clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, kernel.running():
            await ensure_indexes(kernel.mongo)
            yield

    app = create_service_app(
        settings,
        title="Linkwork evaluation",
        routers=[api.router, overview.router, audit_router("evaluation")],
        pages=make_pages(settings),
        lifespan=lifespan,
        localities=known,
        ready=kernel.ready,
        live=kernel.live,
        clock=clock,
        refusals=kernel.refusals,
        keys=keys,
        unavailable="The figures cannot be read just now. Try again in a moment.",
    )
    app.state.kernel = kernel
    app.state.capacity = capacity
    app.state.queries = FigureQueries(kernel.mongo, known, clock)
    return app
