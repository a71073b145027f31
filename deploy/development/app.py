"""The development process: issuer, mail and text sink, mailbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from deploy.development.issuer import issuer_routes
from deploy.development.mailbox import mailbox_routes
from deploy.development.settings import TABLE, DevelopmentSettings, refuse_production
from deploy.development.signing import IssuerKey
from deploy.development.sink import Mailbox
from deploy.development.smtp import mail_sink
from deploy.development.users import FollowedUsers
from shared.platform.clock import Clock, system_clock
from shared.platform.web.app import create_service_app
from shared.platform.web.pages import Pages
from shared.platform.web.session_keeping import SessionKeeper

TEMPLATES = Path(__file__).with_name("templates")


def development_app(
    settings: DevelopmentSettings, clock: Clock = system_clock, keeper: SessionKeeper | None = None
) -> FastAPI:
    """Makes the process. `keeper` is as in `create_service_app`.

    Raises:
        NotForProduction: LINKWORK_ENV is not development.
    """
    refuse_production(settings.env)
    directory = FollowedUsers(settings.users_file, settings.localities_file, settings.state / TABLE)
    localities = directory.localities
    key = IssuerKey.kept_in(settings.state, issuer=settings.issuer, audience=settings.audience, clock=clock)
    mailbox = Mailbox(settings.state, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sink = mail_sink(mailbox, host=settings.host, port=settings.smtp_port)
        sink.start()
        try:
            yield
        finally:
            sink.stop()

    return create_service_app(
        settings,
        title="Linkwork development issuer and mailbox",
        routers=[issuer_routes(settings, directory, localities, key, clock), mailbox_routes(mailbox)],
        pages=Pages(settings, TEMPLATES),
        lifespan=lifespan,
        localities=localities,
        clock=clock,
        keys=key,
        keeper=keeper,
    )
