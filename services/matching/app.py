"""Wiring: settings, kernel, actions, queries, API and pages of one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from fastapi import FastAPI

from services.matching import repository as store
from services.matching.actions import Actions
from services.matching.api import api_routers
from services.matching.booking import sweeper as adrift
from services.matching.calendar import make_ready
from services.matching.clients.vault import Mailer, Vault
from services.matching.command_runner import Asking
from services.matching.definition import service_definition
from services.matching.directory.repository import Directory
from services.matching.pages import PAGE_ROUTERS
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import Codes
from services.matching.queries import Queries
from services.matching.settings import MatchingSettings
from services.matching.web.parameters import DIRECTORY_IMPORTS
from services.matching.web.templating import make_pages
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.localities import LOCALITIES_FILE, Localities, load_localities
from shared.platform.web.app import create_service_app
from shared.platform.web.service_token import ServiceTokens
from shared.platform.web.session import SealedCookie


def create_app(
    settings: MatchingSettings,
    *,
    localities: Localities | None = None,
    options: Options | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
) -> FastAPI:
    """The application; its lifespan runs the kernel. `app.state` has kernel, actions, queries, localities."""
    make_ready(clock())
    known = localities or load_localities(settings.localities_file or LOCALITIES_FILE)
    served = [locality.slug for locality in known.served(settings.localities)]
    diaries = store.DiaryStore(settings.travel_minutes)
    kernel = Kernel(
        service_definition(known.rank, diaries), options or Options.of(settings), served, clock, new_id
    )
    link_key = settings.link_key.get_secret_value()
    http = httpx.AsyncClient()
    vault = Vault(settings, http, ServiceTokens(settings, clock))
    links = Links(link_key, settings.public_url, settings.link_days, clock)
    directory = Directory(kernel, clock, new_id)
    asking = Asking(kernel, known, link_key.encode(), diaries)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, kernel.running():
            await store.ensure_indexes(kernel.mongo)
            looking = asyncio.create_task(adrift.keep_looking(kernel))
            yield
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    app = create_service_app(
        settings,
        title="Linkwork matching",
        routers=[*api_routers(), *PAGE_ROUTERS],
        pages=make_pages(settings),
        lifespan=lifespan,
        ready=kernel.ready,
        live=kernel.live,
        larger_bodies={DIRECTORY_IMPORTS: settings.directory_limit},
        clock=clock,
    )
    app.state.kernel = kernel
    app.state.localities = known
    app.state.directory = directory
    app.state.near = SealedCookie(settings, "near", timedelta(hours=1), clock)
    app.state.links = links
    codes = Codes(kernel.mongo, link_key, clock)
    link_states = LinkStates(kernel.mongo, clock)
    # An invented programme's mailboxes do not exist, so nobody could confirm them.
    invented = settings.env == "development"
    mailboxes = Mailboxes(kernel.mongo, link_key, clock, new_id, invented=invented)
    mailer = Mailer(settings, clock)
    app.state.actions = Actions(asking, vault, directory, links, link_states, codes, mailer, mailboxes)
    app.state.queries = Queries(asking, vault, directory, links, link_states, codes, mailboxes)
    return app
