"""A service's application with everything that all services share, and how it is run."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.contract.asyncapi.documents import service_document
from shared.contract.asyncapi.loading import contents
from shared.contract.asyncapi.roles import parts_of_service
from shared.contract.events.topics import PARTS
from shared.platform import lifeline
from shared.platform.clock import Clock, system_clock
from shared.platform.errors import CannotStart, NotOwner
from shared.platform.localities import Localities, LocalitiesError, NoSuchLocality
from shared.platform.web.accessibility import accessibility_routes
from shared.platform.web.assurance import Assurance
from shared.platform.web.auth import MaybePageCaller, SignInNeeded, to_sign_in
from shared.platform.web.csrf import FormTokens
from shared.platform.web.head import HeadAsGet
from shared.platform.web.issuer import Issuer
from shared.platform.web.keys import IssuerKeys, KeySource
from shared.platform.web.limits import Limits, RequestLimits
from shared.platform.web.logs import configure_logging
from shared.platform.web.navigation import home_of
from shared.platform.web.not_owner import answer_not_owner
from shared.platform.web.openapi import DocumentedApi
from shared.platform.web.pages import ASSETS, STATIC, Pages
from shared.platform.web.problem import UNAVAILABLE, install_problem_handlers
from shared.platform.web.refusals import Refusals
from shared.platform.web.security import RequestMiddleware
from shared.platform.web.session import Sessions
from shared.platform.web.session_asking import AskedSessions
from shared.platform.web.session_keeping import RememberedSessions, SessionCheck, SessionKeeper
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.sign_in import sign_in_routes
from shared.platform.web.sign_out import sign_out_routes
from shared.platform.web.step_up import StepUp, StepUpNeeded, to_step_up
from shared.platform.web.tokens import TokenVerifier

Readiness = Callable[[], Awaitable[tuple[bool, dict[str, Any]]]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]

GRACE_SECONDS = 10


def create_service_app(
    settings: ServiceSettings,
    *,
    title: str,
    routers: Iterable[APIRouter],
    pages: Pages | None = None,
    lifespan: Lifespan | None = None,
    localities: Localities | None = None,
    ready: Readiness | None = None,
    live: Callable[[], bool] | None = None,
    clock: Clock = system_clock,
    keys: KeySource | None = None,
    larger_bodies: Mapping[str, int] | None = None,
    keeper: SessionKeeper | None = None,
    issuer: Issuer | None = None,
    unavailable: str = UNAVAILABLE,
    refusals: Refusals | None = None,
) -> FastAPI:
    """The application of one service.

    `routers` carry whole paths (`/api/<service>/v1/...`, `/<service>/...`) and come before the shared
    routes. `localities` are those that /asyncapi names. `ready` says whether the service can work, and
    details for /readyz; `live` whether it still moves (one that waits for the broker is live; one whose loops
    ended is not). `keys` replaces the issuer's keys (the development issuer knows its own). `larger_bodies`
    allows more bytes than LINKWORK_BODY_LIMIT on a few exact paths. `keeper` keeps the sessions of all
    services, and makes this application the one where people sign in and out; without it, the referral
    service is asked about them. `issuer`: the one that `keeper` asks too; else one of these settings.
    `unavailable` is the sentence of the answer to a temporary failure. `refusals` gathers 401, 403 and 409
    for the audit. Handlers find on `request.app.state`: settings, pages,
    sessions, session_check, limits, verifier, assurance, step_up, form_tokens, clock.
    """
    check: SessionCheck = keeper if keeper is not None else AskedSessions(settings, clock)
    app = DocumentedApi(
        title=title,
        lifespan=lifespan,
        openapi_url=f"/api/{settings.service}/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.table = localities
    app.state.pages = pages or Pages(settings)
    app.state.sessions = sessions = Sessions(settings, clock)
    app.state.session_check = RememberedSessions(check)
    app.state.limits = Limits(settings)
    app.state.refusals = refusals
    app.state.form_tokens = FormTokens(settings, sessions)
    app.state.assurance = Assurance.of(settings.acr_by_role)
    app.state.step_up = StepUp(settings, clock)
    app.state.verifier = TokenVerifier(
        keys=keys
        or IssuerKeys(jwks_url=settings.jwks_url, discovery_url=settings.discovery_url, clock=clock),
        issuer=settings.issuer,
        audience=settings.audience,
        clock=clock,
        believed_for=settings.person_tokens_believed_for,
    )
    install_problem_handlers(app, unavailable)
    app.add_exception_handler(NotOwner, partial(answer_not_owner, localities))
    app.add_exception_handler(SignInNeeded, to_sign_in)
    app.add_exception_handler(StepUpNeeded, to_step_up)
    for router in routers:
        app.include_router(router)
    if keeper is not None:
        issuer = issuer or Issuer(settings, keys, localities, clock)
        app.include_router(sign_in_routes(keeper, issuer))
        app.include_router(sign_out_routes(keeper, issuer))
    app.include_router(accessibility_routes(secure=settings.secure_cookies))
    app.include_router(_own_port_routes(settings, localities, ready, live))
    app.include_router(_front_page())
    app.mount("/assets", StaticFiles(directory=ASSETS, check_dir=False))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestLimits, settings=settings)
    app.add_middleware(RequestMiddleware, settings=settings, larger_bodies=larger_bodies)
    return app


def _front_page() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def front(request: Request, caller: MaybePageCaller) -> Response:
        if caller is not None and (home := home_of(caller)) != "/":
            return RedirectResponse(home, 303)
        page: Response = request.app.state.pages.page(request, "linkwork/front.html")
        return page

    return router


def _own_port_routes(
    settings: ServiceSettings,
    localities: Localities | None,
    ready: Readiness | None,
    live: Callable[[], bool] | None,
) -> APIRouter:
    """For those who run the service. The front proxy does not pass these on."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def is_live() -> Response:
        moves = live is None or live()
        return JSONResponse({"live": moves}, 200 if moves else 503)

    @router.get("/asyncapi")
    def asyncapi() -> Response:
        slugs = settings.locality_slugs() or (localities.slugs if localities else ())
        service = next((each for each in PARTS if each == settings.service), PARTS[0])
        return JSONResponse(service_document(parts_of_service(service), contents(), slugs))

    @router.get("/readyz")
    async def is_ready() -> Response:
        able, detail = await ready() if ready else (True, {})
        return JSONResponse({"ready": able, **detail}, 200 if able else 503)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def serve(app_factory: Callable[[], FastAPI], settings: ServiceSettings) -> None:
    """Run until told to stop; requests under way get ten seconds to finish.

    With LINKWORK_LIFELINE_FD set, the process also ends when its supervisor does. A locality that does not
    exist, a file of them that does not hold together, a token that cannot be used, or a database that is
    another service's ends it with
    one sentence.
    """
    configure_logging(settings.service)
    lifeline.watch()
    try:
        app = app_factory()
    except (NoSuchLocality, LocalitiesError, CannotStart) as wrong:
        raise SystemExit(str(wrong)) from None
    gc.freeze()  # what is loaded stays
    gc.enable()  # where a `__main__` has turned it off, to load all this sooner
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    refusals: list[str] = []
    app.router.lifespan_context = _remembering(app.router.lifespan_context, refusals)
    try:
        uvicorn.Server(config).run()
    except SystemExit as ended:  # with a code of uvicorn's own, whatever the reason was
        raise SystemExit(*refusals or ended.args) from None


def _remembering(lifespan: Lifespan, refusals: list[str]) -> Lifespan:
    @asynccontextmanager
    async def remembering(app: FastAPI) -> AsyncIterator[Any]:
        try:
            async with lifespan(app) as state:
                yield state
        except CannotStart as refused:
            refusals.append(str(refused))
            raise

    return remembering
