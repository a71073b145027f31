"""Wires one process of matching: settings, kernel, features, API and pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI

from services.matching.api import API_ROUTERS
from services.matching.booking import sweeper
from services.matching.booking.agenda_queries import AgendaQueries
from services.matching.booking.bookings import Bookings
from services.matching.booking.calendar_use_cases import CalendarUseCases
from services.matching.booking.diary import Diaries
from services.matching.booking.elsewhere import BookingElsewhere
from services.matching.booking.own import OwnBooking
from services.matching.booking.queries import BookingQueries
from services.matching.booking.repository import DiaryStore
from services.matching.booking.use_cases import BookingUseCases
from services.matching.calendar import make_ready
from services.matching.casework.consents import enter_earlier_consents
from services.matching.casework.drafts import Drafts
from services.matching.casework.queries import CaseworkQueries
from services.matching.casework.sharing import Sharing
from services.matching.casework.team.queries import TeamQueries
from services.matching.casework.team.use_cases import TeamUseCases
from services.matching.casework.use_cases import CaseworkUseCases
from services.matching.clients.booking import BookingClient
from services.matching.clients.casework import CaseworkClient
from services.matching.clients.directory import DirectoryClient
from services.matching.clients.messages import FailedMessages
from services.matching.clients.vault import Mailer, Vault
from services.matching.collections import ensure_indexes
from services.matching.command_runner import CommandRunner
from services.matching.definition import service_definition
from services.matching.directory.catalogue import Catalogues, OwnCatalogue, OwnersCatalogue
from services.matching.directory.feed_use_cases import FeedUseCases
from services.matching.directory.fetching import FeedFetcher
from services.matching.directory.ownership import DirectoryOwnership
from services.matching.directory.queries import DirectoryQueries
from services.matching.directory.repository import Directory
from services.matching.directory.subscriptions import Subscriptions
from services.matching.directory.use_cases import DirectoryUseCases
from services.matching.features import Features, Queries
from services.matching.pages import PAGE_ROUTERS
from services.matching.prescribing.queries import PrescribingQueries
from services.matching.prescribing.service_replies import service_replies
from services.matching.prescribing.use_cases import PrescribingUseCases
from services.matching.programme.desk.checking import keep_checking
from services.matching.programme.desk.queries import DeskQueries
from services.matching.programme.desk.use_cases import SupervisionUseCases
from services.matching.programme.queries import ProgrammeQueries
from services.matching.provider.claims import ClaimQueries
from services.matching.provider.link_keeping import LinkKeeping
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import Links
from services.matching.provider.mailbox_use_cases import MailboxUseCases
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import Codes
from services.matching.provider.passing_on import PassingOn
from services.matching.provider.queries import ProviderQueries
from services.matching.provider.use_cases import OneTapUseCases
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.state import ReferralState
from services.matching.roster.appointments import AppointmentUseCases
from services.matching.roster.proposals import Proposals
from services.matching.roster.published import PublishedLinkWorkers
from services.matching.roster.queries import RosterQueries
from services.matching.roster.room_use_cases import RoomUseCases
from services.matching.roster.use_cases import RosterUseCases
from services.matching.settings import MatchingSettings
from services.matching.web.parameters import DIRECTORY_IMPORTS
from services.matching.web.templating import make_pages
from shared.delivery.audit.api import audit_router
from shared.delivery.control.table import table_of
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.keys_in_use import note_keys
from shared.delivery.options import Options
from shared.delivery.stopping import cancelled_within
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.key_ring import KeyRing
from shared.platform.localities import Localities
from shared.platform.localities.rules import ProgrammeRules
from shared.platform.outbound.certificates import trusted_by_clients, trusted_with
from shared.platform.outbound.resolving import resolve_name
from shared.platform.web.app import create_service_app
from shared.platform.web.offered import OfferedOperations
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient
from shared.platform.web.service_token import ServiceTokens
from shared.platform.web.session import SealedCookie


@dataclass(frozen=True)
class _Peers:
    """Clients of other parts."""

    vault: Vault
    client: ServiceClient
    offered: OfferedOperations
    casework: CaseworkClient
    directory: DirectoryClient
    failures: FailedMessages


def create_app(
    settings: MatchingSettings,
    *,
    localities: Localities | None = None,
    options: Options | None = None,
    clock: Clock = system_clock,
    new_id: NewId = new_id,
) -> FastAPI:
    """Creates the application. Its lifespan runs the kernel.

    Handlers find on `request.app.state`: kernel, features, localities.
    """
    make_ready(clock())
    table = table_of(settings, localities, clock)
    known = table.localities

    def rules() -> ProgrammeRules:
        return known.programme_rules

    diaries = DiaryStore(settings.travel_minutes, rules)
    definition = service_definition(
        known,
        diaries,
        rules=rules,
        fold_rules_version=known.fold_rules_version,
        is_sandbox=known.is_sandbox,
    )
    timings = options or Options.of(settings)
    kernel = Kernel(definition, timings, table, clock, new_id)
    http, tokens = httpx.AsyncClient(verify=trusted_by_clients()), ServiceTokens(settings, clock)
    owners = Owners.of(known, settings)
    vault = Vault(owners, http, tokens)
    client = ServiceClient(http, tokens)
    peers = _Peers(
        vault,
        client,
        OfferedOperations(http, owners, clock),
        CaseworkClient(client, owners),
        DirectoryClient(client, owners),
        FailedMessages(client, settings.notifications_url),
    )
    link_keys = KeyRing.of(settings.magic_link_key.get_secret_value())
    links = Links(settings.magic_link_key.get_secret_value(), settings.public_url, settings.link_days, clock)
    directory = Directory(kernel, clock, new_id, partial(service_replies, kernel.mongo))
    features = _features(settings, kernel, known, owners, diaries, directory, peers, links)
    published = PublishedLinkWorkers(
        kernel.mongo, kernel.localities, owners, peers.casework, features.roster.adopt, clock
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, kernel.running():
            await ensure_indexes(kernel.mongo)
            await note_keys(kernel.mongo, "link", link_keys.ids, clock(), timedelta(days=settings.link_days))
            await enter_earlier_consents(kernel)
            looking = asyncio.create_task(sweeper.keep_sweeping(kernel))
            reading = asyncio.create_task(published.keep_reading())
            checking = asyncio.create_task(keep_checking(features.queries.desk))
            fetching = asyncio.create_task(features.feeds.keep_fetching())
            yield
            await cancelled_within(timings.drain_seconds, looking, reading, checking, fetching)

    app = create_service_app(
        settings,
        title="Linkwork matching",
        routers=[*API_ROUTERS, *PAGE_ROUTERS, audit_router("matching")],
        pages=make_pages(settings),
        lifespan=lifespan,
        localities=known,
        ready=kernel.ready,
        live=kernel.live,
        larger_bodies={DIRECTORY_IMPORTS: settings.directory_limit},
        clock=clock,
        refusals=kernel.refusals,
    )
    app.state.kernel = kernel
    app.state.localities = known
    app.state.directory = directory
    app.state.near = SealedCookie(settings, "near", timedelta(hours=1), clock)
    app.state.links = links
    app.state.features = features
    app.state.published = published
    return app


def _features(
    settings: MatchingSettings,
    kernel: Kernel[ReferralState, Diaries],
    localities: Localities,
    owners: Owners,
    diaries: DiaryStore,
    directory: Directory,
    peers: _Peers,
    links: Links,
) -> Features:
    """Makes use cases and queries of every feature, each with its dependencies."""

    def decides(locality: str) -> bool:
        return kernel.decides(locality, "booking")

    clock, mongo, key = kernel.clock, kernel.mongo, settings.magic_link_key.get_secret_value()
    vault = peers.vault
    keys = KeyRing.of(key)
    runner = CommandRunner(kernel, localities, owners, keys)
    codes, states, mailer = Codes(mongo, key, clock), LinkStates(mongo, clock), Mailer(settings, clock)
    # An invented programme's mailboxes do not exist, so they cannot be confirmed.
    mailboxes = Mailboxes(mongo, key, clock, kernel.new_id, invented=settings.env == "development")
    confirmations = MailboxUseCases(mailer, mailboxes, kernel.new_id, directory, localities)
    own = OwnCatalogue(directory, mailboxes.usable, confirmations.ask_to_confirm)
    catalogues = Catalogues(own, OwnersCatalogue(peers.directory), owners)
    sharing = Sharing(kernel, owners, peers.casework)
    ownership = DirectoryOwnership(localities, owners)
    listed = DirectoryQueries(directory, mailboxes.usable, clock, ownership)
    referrals = ReferralQueries(kernel, localities, owners, vault, catalogues, states)
    elsewhere = BookingElsewhere(
        BookingClient(owners, peers.client), owners, kernel, referrals, keys.newest.secret
    )
    parts = Bookings(OwnBooking(runner, diaries), elsewhere, owners, peers.offered, decides)
    booking = BookingUseCases(runner, parts)
    proposals = Proposals(runner, diaries)
    casework = CaseworkUseCases(runner, vault)
    desk = DeskQueries(kernel, localities, owners, referrals, peers.failures)
    agenda = AgendaQueries(kernel, referrals, diaries)
    return Features(
        roster=RosterUseCases(runner, booking),
        appointments=AppointmentUseCases(runner, proposals),
        rooms=RoomUseCases(runner),
        booking=booking,
        casework=casework,
        team=TeamUseCases(runner, casework),
        calendar=CalendarUseCases(mongo, agenda, settings.public_url, clock),
        drafts=Drafts(kernel, vault, owners, keys.newest.secret),
        prescribing=PrescribingUseCases(runner, catalogues),
        directory=DirectoryUseCases(directory, ownership),
        feeds=FeedUseCases(
            kernel,
            directory,
            Subscriptions(mongo),
            FeedFetcher(
                resolve_name,
                trusted_with(settings.feed_ca_file),
                settings.directory_limit,
                settings.feed_private_addresses,
            ),
            ownership,
        ),
        provider=OneTapUseCases(
            runner,
            links,
            states,
            codes,
            vault,
            mailer,
            mailboxes,
            directory,
            sharing,
            PassingOn(owners, peers.directory),
        ),
        links=LinkKeeping(runner, links, states, mailer, mailboxes, directory),
        mailboxes=confirmations,
        supervision=SupervisionUseCases(runner, vault, desk),
        queries=Queries(
            referrals=referrals,
            roster=RosterQueries(runner, proposals),
            booking=BookingQueries(kernel, referrals, diaries, parts),
            agenda=agenda,
            casework=CaseworkQueries(kernel, referrals, catalogues),
            team=TeamQueries(runner, referrals, diaries),
            prescribing=PrescribingQueries(kernel, vault, catalogues),
            directory=listed,
            catalogues=catalogues,
            claims=ClaimQueries(listed, mailboxes),
            provider=ProviderQueries(kernel, directory, links, states, codes, sharing, owners),
            programme=ProgrammeQueries(kernel, localities, owners),
            desk=desk,
            clock=clock,
        ),
    )
