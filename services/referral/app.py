"""The application of the referral service, wired together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pymongo.errors import PyMongoError

from services.referral import sessions
from services.referral.administration import api as administration_api
from services.referral.administration import people as administration_people
from services.referral.administration.use_cases import TableAdministration
from services.referral.audit.queries import PERSON
from services.referral.clients.audit import AuditClient
from services.referral.clients.matching import Matching
from services.referral.collections import KEYS, ensure_indexes
from services.referral.contract import api as contract_api
from services.referral.definition import service_definition
from services.referral.identity import api as identity_api
from services.referral.identity import erasure
from services.referral.identity.audits import Audits
from services.referral.identity.conflicts import Conflicts
from services.referral.identity.context import ReferralContext
from services.referral.identity.erasure_log import ErasureLog
from services.referral.identity.erasures_obeyed import CLOSED, ErasuresObeyed
from services.referral.identity.find import api as find_api
from services.referral.identity.find.terms import TERMS_VERSION
from services.referral.identity.matching import IdentityMatcher
from services.referral.identity.vault.keys import VaultClosed
from services.referral.identity.vault.opening import open_vault
from services.referral.identity.vault.persons import PersonVault
from services.referral.intake import api as intake_api
from services.referral.intake.service import ReferralService
from services.referral.pages import PAGE_ROUTERS
from services.referral.partners import api as partners_api
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.notice_rows import NoticeRows, note_another_body
from services.referral.partners.notices import LEASE_SECONDS, Notices
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from services.referral.partners.use_cases import PartnerEvents
from services.referral.sandbox.beats import Beats
from services.referral.sandbox.erasing import keep_erasing
from services.referral.sandbox.heartbeat import Heartbeat
from services.referral.session_renewal import Renewals, SessionSecrets
from services.referral.settings import ReferralSettings
from services.referral.tracking import api as tracking_api
from services.referral.tracking.waiting import keep_observing
from services.referral.web.templating import make_pages
from shared.delivery.audit.api import audit_router
from shared.delivery.control.table import table_of
from shared.delivery.kafka.producer import Producer
from shared.delivery.kernel import Kernel
from shared.delivery.model.errors import IdempotencyMismatch, Transient
from shared.delivery.mongo.database import Mongo, classified
from shared.delivery.mongo.keys_in_use import note_keys
from shared.delivery.mongo.leases import Leases
from shared.delivery.options import Options
from shared.delivery.stopping import cancelled_within
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.key_ring import KeyRing
from shared.platform.localities import Localities
from shared.platform.web.app import create_service_app
from shared.platform.web.issuer import Issuer
from shared.platform.web.keys import KeySource
from shared.platform.web.owners import Owners
from shared.platform.web.problem import Problem, answer_with, temporarily_unavailable, unexpected
from shared.platform.web.service_token import ServiceTokens

_log = logging.getLogger(__name__)
UNAVAILABLE = "Nothing was changed. Try again in a moment."


def create_app(
    settings: ReferralSettings,
    *,
    localities: Localities | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
    keys: KeySource | None = None,
    options: Callable[[ReferralSettings], Options] = Options.of,
) -> FastAPI:
    """The application. Its kernel starts and stops with it."""
    table = table_of(settings, localities, clock)
    known, timings = table.localities, options(settings)
    kernel = Kernel(service_definition(known, note_another_body, clock), timings, table, clock, new_id)
    vault = open_vault(settings)
    audits, tokens = Audits(kernel.audit), ServiceTokens(settings, clock)
    matching, audits_elsewhere = (
        Matching(Owners.of(known, settings), tokens, clock),
        AuditClient(settings, tokens),
    )
    context = ReferralContext(kernel, vault, known, audits, settings, matching.link_workers_of)
    conflicts = Conflicts(kernel.mongo, audits, clock, known, settings.identity_conflicts)
    matcher = IdentityMatcher(kernel.mongo, vault, audits, conflicts, known)
    issuer = Issuer(settings, keys, known, clock)
    keeper = _session_keeper(settings, kernel.mongo, issuer, clock)
    admitted_by, keeper_of_refusals = ProgrammeTable(known), RefusalKeeper(kernel.mongo)
    as_admission, rate = replace(timings, kafka=settings.admission_kafka), settings.admission_records_a_second
    ends = InboxEnds(kernel.mongo)
    admission = Admission(as_admission, admitted_by, keeper_of_refusals, ends, kernel.localities, rate, clock)
    partner_events = PartnerEvents(
        kernel.mongo, Producer(as_admission.kafka), admitted_by, keeper_of_refusals, clock
    )
    notices = Notices(
        NoticeRows(kernel.mongo),
        Producer(as_admission.kafka),
        Leases(kernel.mongo, new_id(), LEASE_SECONDS),
        admitted_by,
        kernel.localities,
        clock,
    )

    every = timedelta(seconds=settings.heartbeat_seconds)
    heartbeat = Heartbeat(context, Beats(kernel.mongo, clock, every), partner_events.say)

    obeyed = ErasuresObeyed(context, ErasureLog(timings.kafka, kernel.mongo))

    async def ready() -> tuple[bool, dict[str, Any]]:
        answers, detail = await kernel.ready()
        return answers, detail | {"admission": admission.detail(), "vault": obeyed.detail()}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with kernel.running():
            await ensure_indexes(kernel.mongo)
            await _note_keys(kernel.mongo, vault, settings, clock)
            await erasure.replay(kernel.mongo)
            obeying = await obeyed.begin()
            await erasure.finish_erasures(context)
            observing = keep_observing(kernel.mongo, kernel.localities, context.speaks, clock)
            loops = [observing, keep_erasing(context), erasure.keep_following(context), notices.run()]
            if every:
                loops.append(heartbeat.keep_beating())
            beside = [asyncio.create_task(loop) for loop in loops]
            admission.start(judges=settings.admission)
            yield
            await cancelled_within(timings.drain_seconds, *beside, obeying)
            await admission.stop()
            await partner_events.close()
            await notices.close()
        await asyncio.gather(matching.close(), audits_elsewhere.close())

    app = create_service_app(
        settings,
        title="Linkwork referral",
        routers=[
            intake_api.router,
            tracking_api.router,
            identity_api.router,
            find_api.router,
            identity_api.services_router,
            partners_api.router,
            sessions.router,
            *PAGE_ROUTERS,
            contract_api.router,
            audit_router("referral", PERSON),
            administration_api.router,
            administration_people.router,
        ],
        pages=make_pages(settings),
        lifespan=lifespan,
        localities=known,
        ready=ready,
        live=lambda: kernel.live() and admission.live,
        clock=clock,
        refusals=kernel.refusals,
        keys=keys,
        keeper=keeper,
        issuer=issuer,
        unavailable=UNAVAILABLE,
    )
    app.state.kernel, app.state.context = kernel, context
    app.state.administration = TableAdministration(context, _author_key(settings))
    app.state.referral_service = ReferralService(context, matcher)
    app.state.matching = matching
    app.state.audit_client = audits_elsewhere
    app.state.partner_events, app.state.session_keeper = partner_events, keeper
    _answer_errors(app)
    return app


def _author_key(settings: ReferralSettings) -> bytes:
    """The key by which versions of the table name the administrator who asked for them."""
    return KeyRing.of(settings.session_key.get_secret_value()).newest.secret


def _session_keeper(
    settings: ReferralSettings, mongo: Mongo, issuer: Issuer, clock: Clock
) -> sessions.KeptSessions:
    renewals = Renewals(mongo, issuer, SessionSecrets(settings), clock)
    return sessions.KeptSessions(mongo, timedelta(minutes=settings.session_idle_minutes), renewals, clock)


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(PyMongoError, _database)
    app.add_exception_handler(VaultClosed, _closed)
    app.add_exception_handler(IdempotencyMismatch, _other_request)


async def _note_keys(mongo: Mongo, vault: PersonVault, settings: ReferralSettings, clock: Clock) -> None:
    """Notes the vault's keys, and those of sessions, which this service begins.

    Says so if people cannot be found again, as the keys of all their digests are gone.
    """
    now, sessions_last = clock(), timedelta(hours=settings.session_hours)
    await note_keys(mongo, "master", vault.masters.ids, now)
    await note_keys(mongo, "index", vault.index_keys.ids, now)
    lost = {"indexed": {"$exists": True, "$nin": list(vault.index_keys.ids)}}
    if await mongo[KEYS].find_one(lost, {"_id": 1}) is not None:
        _log.error("people are not found by NHS number: an index key was removed before its rotation ended")
    if await mongo[KEYS].find_one({"terms": {"$ne": TERMS_VERSION}}, {"_id": 1}) is not None:
        _log.warning("some people are not found by name until `linkwork keys rotate` has run")
    session_keys = KeyRing.of(settings.session_key.get_secret_value())
    await note_keys(mongo, "session", session_keys.ids, now, sessions_last)


async def _database(request: Request, error: Exception) -> Response:
    is_transient = isinstance(error, PyMongoError) and isinstance(classified(error), Transient)
    if not is_transient:
        return unexpected(request, error)
    return answer_with(request, temporarily_unavailable(UNAVAILABLE))


async def _closed(request: Request, _: Exception) -> Response:
    return answer_with(request, temporarily_unavailable(CLOSED))


async def _other_request(request: Request, _: Exception) -> Response:
    detail = "This Idempotency-Key was used for another request."
    return answer_with(request, Problem(422, code="idempotency_key", detail=detail))
