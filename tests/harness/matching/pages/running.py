"""Runs matching and the referral service with its vault on a real broker and database."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.controller import Controller
from fastapi import FastAPI, Request
from playwright.async_api import Page

from services.matching.app import create_app
from services.matching.casework.inputs import MeetingRecord
from services.matching.prescribing.inputs import Prescribing
from services.matching.request import RequestContext
from services.matching.settings import MatchingSettings
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from shared.contract.events.outcomes import NextStep
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import LONDON
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.web.principal import Principal
from tests.harness.feed.records import at_place, lunch_club
from tests.harness.pages.serving import serving
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import PRACTICE, ReferralHarness, running_referral
from tests.harness.web.issuer import AUDIENCE, LoopbackIssuer

PLACE = "Meir Primary Care Centre, room 4"


@dataclass
class Mailbox:
    """A handler of an SMTP server that keeps the text of each message."""

    letters: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.letters.append(str(message_from_bytes(envelope.content).get_payload()))
        return "250 kept"


@dataclass
class Person:
    """A referred person: the id of the case, and the identity that only the vault may know."""

    referral: str
    name: str
    telephone: str


@dataclass
class PagesHarness:
    """Both services and their issuer. `worker` meets people of `PRACTICE` in the locality `here`."""

    matching: FastAPI
    address: str
    referral: ReferralHarness
    issuer: LoopbackIssuer
    mailbox: Mailbox
    worker: str
    # The pages of the referral service.
    referral_address: str

    @property
    def here(self) -> str:
        return self.referral.here

    async def refer(self, **different: Any) -> Person:
        """Refers a new person by HTTP, and waits until matching has booked or queued a meeting."""
        body = referral_body(**different)
        identity = await self.referral.made(body)

        def seen_to(view: Any) -> bool:
            return bool(view["created"] and (view["active"] or view["waiting"]))

        assert await self.matching.state.kernel.wait_for(self.here, identity, seen_to, 15)
        return Person(identity, f"{body['given_name']} {body['family_name']}", body["telephone"])

    async def meet_now(self, person: Person, minutes_ago: int = 20, worker: str | None = None) -> str:
        """Moves the person's meeting to this hour, by an event of a booking system with the next sequence."""
        meeting = new_id()
        known = await self.matching.state.kernel.view(self.here, person.referral)
        meetings = known.story.meetings if known else ()
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        today = datetime.combine(now.astimezone(LONDON), time(0), LONDON)
        booked = MeetingBooked(
            referral_id=person.referral,
            locality=self.here,
            meeting_id=meeting,
            sequence=meetings[-1].booked.sequence + 1 if meetings else 0,
            link_worker=worker or self.worker,
            practice=PRACTICE,
            starts_at=max(now - timedelta(minutes=minutes_ago), today.astimezone(UTC)),
            minutes=45,
            mode=v.MeetingMode.FACE_TO_FACE,
        )
        await self.referral.say(booked)
        view = await self.matching.state.kernel.wait_for(
            self.here, person.referral, lambda view: view["active"] == meeting, 15
        )
        assert view is not None
        return meeting

    async def wait(self, person: Person, test: Callable[[Any], bool]) -> None:
        """Waits until the stored view of a case passes `test`."""
        assert await self.matching.state.kernel.wait_for(self.here, person.referral, test, 15)

    async def put_worker(self, number: int, **different: Any) -> str:
        """Adds a link worker to the locality, without working hours unless some are given. Returns the id."""
        return await self.put_entry(f"lw-{self.here}-{number}", **different)

    async def put_entry(self, identity: str, **different: Any) -> str:
        """As `put_worker`, by id."""
        entry = link_worker(identity, self.here, **({"hours": []} | different))
        headers = self.issuer.bearer(role="programme_admin", localities=[self.here])
        async with httpx.AsyncClient(headers=headers) as http:
            at = f"{self.address}/api/matching/v1/link-workers/{identity}"
            (await http.put(at, json=entry)).raise_for_status()
        return identity

    async def plan(self, person: Person, service: str = "Meir lunch club (example)", **more: Any) -> str:
        """Records a meeting and a plan with this service. Returns the prescription's id."""
        meeting = await self.meet_now(person)
        caller = Principal("planner", "link_worker", frozenset({self.here}), link_worker=self.worker)
        ask, do = self.matching.state.features.queries, self.matching.state.features
        found = next(
            f.service for f in await ask.directory.find_services(caller) if f.service.name == service
        )
        step = NextStep(
            code=v.NextStepCode.WAIT_FOR_SERVICE, on=datetime.now(LONDON).date() + timedelta(days=7)
        )
        record = MeetingRecord(what_matters="Company", next_step=step)
        await do.casework.plan(RequestContext(caller), person.referral, record, meeting)
        await do.prescribing.prescribe(
            RequestContext(caller),
            person.referral,
            Prescribing(found.id, found.needs[0], next_step=step, **more),
        )
        prescription: str = (await self.view(person)).story.prescriptions[-1].prescribed.prescription_id
        return prescription

    async def view(self, person: Person) -> Any:
        """The state of the case in matching."""
        return await self.matching.state.kernel.view(self.here, person.referral)

    async def link_of(self, person: Person) -> str:
        """The one-tap link of the only service in the person's plan."""
        view = await self.view(person)
        one = view.story.prescriptions[-1].prescribed
        token = self.matching.state.links.token(self.here, one.prescription_id, one.service_id)
        return f"{self.address}/s/{token}"

    def cookies(self, role: str = "link_worker", **claims: Any) -> dict[str, str]:
        worker = self.worker if role == "link_worker" else None
        token_claims = {"role": role, "localities": [self.here], "link_worker": worker} | claims
        return self.issuer.signed_in(self.referral.app, **token_claims)

    async def sign_in(self, page: Page, role: str = "link_worker", **claims: Any) -> None:
        """Signs the browser in with this role."""
        await page.context.clear_cookies()
        await page.context.add_cookies(
            [{"name": k, "value": c, "url": self.address} for k, c in self.cookies(role, **claims).items()]
        )

    async def open(self, page: Page, path: str) -> None:
        await page.goto(f"{self.address}{path}")


def link_worker(identity: str, locality: str, **different: Any) -> dict[str, Any]:
    """A link worker who meets people all week, all day."""
    hours = [
        {"weekday": n, "opens": "08:00", "closes": "18:00", "practices": [PRACTICE], "place": PLACE}
        for n in range(5)
    ]
    return {
        "id": identity,
        "locality": locality,
        "name": "Priya Wainwright",
        "email": "priya@links.example",
        "telephone": "01632 960401",
        "hours": hours,
    } | different


def feed() -> list[dict[str, Any]]:
    """A directory feed: a lunch club, a free debt desk, and a befriending service, full and far away."""
    fresh = datetime.now(LONDON).date().isoformat()
    far = at_place(
        name="Leek hall",
        latitude=53.106,
        longitude=-2.024,
        addresses=[{"address_1": "Stockwell Street", "city": "Leek", "postal_code": "ST13 6HQ"}],
    )
    return [
        lunch_club(assured_date=fresh, minimum_age=18, attributes=[_term("befriending")]),
        lunch_club(
            id="3f9d2c1e-6f52-4f7e-9d84-0d3d0a5b7c12",
            name="Meir debt desk (example)",
            attributes=[_term("debt"), _term("benefits")],
            cost_options=[{"amount": 0, "amount_description": ""}],
            minimum_age=18,
            assured_date=fresh,
        ),
        lunch_club(
            id="3f9d2c1e-6f52-4f7e-9d84-0d3d0a5b7c13",
            name="Moorlands visitors (example)",
            attributes=[_term("befriending"), {"taxonomy_term": _capacity("no-capacity")}],
            service_at_locations=far,
            minimum_age=18,
        ),
    ]


def _term(need: str) -> dict[str, Any]:
    return {"taxonomy_term": {"taxonomy": "linkwork-needs", "code": need, "name": need}}


def _capacity(code: str) -> dict[str, str]:
    return {"taxonomy": "linkwork-capacity", "code": code}


@asynccontextmanager
async def running_harness(
    folder: Path, issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str
) -> AsyncIterator[PagesHarness]:
    """Starts both services, and adds a link worker and a directory by HTTP."""
    async with AsyncExitStack() as until:
        tokens = await until.enter_async_context(serving(_token_desk(issuer)))
        mailbox = Mailbox()
        mail = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
        mail.start()
        until.callback(mail.stop)
        matching_port = _free_port()
        more = {"token_url": f"{tokens}/token", "matching_url": f"http://localhost:{matching_port}"}
        referral = await until.enter_async_context(running_referral(folder, issuer, kafka, mongo_url, **more))
        vault = await until.enter_async_context(serving(_without_lifespan(referral.app)))
        settings = issuer.settings(
            MatchingSettings,
            **more,
            **kafka.settings(),
            mongo_url=mongo_url,
            database=f"test_pages_{referral.here.replace('-', '_')}",
            localities_file=referral.settings.localities_file,
            localities=f"{referral.here},{referral.far}",
            referral_url=vault,
            public_url=f"http://localhost:{matching_port}",
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
        )
        app = create_app(settings)
        address = await until.enter_async_context(serving(app, matching_port))
        identity = f"lw-{referral.here}-1"
        await _fill(issuer, address, referral.here, identity)
        yield PagesHarness(app, address, referral, issuer, mailbox, identity, vault)
    mongo = Mongo(mongo_url, settings.database)
    await mongo.client.drop_database(settings.database)
    mongo.client.close()


async def _fill(issuer: LoopbackIssuer, address: str, locality: str, identity: str) -> None:
    headers = issuer.bearer(role="programme_admin", localities=[locality])
    api = f"{address}/api/matching/v1"
    async with httpx.AsyncClient(headers=headers) as http:
        entry = link_worker(identity, locality)
        (await http.put(f"{api}/link-workers/{identity}", json=entry)).raise_for_status()
        (await http.post(f"{api}/directory/imports?feed=tests", json=feed())).raise_for_status()


def _token_desk(issuer: LoopbackIssuer) -> FastAPI:
    app = FastAPI()

    @app.post("/token")
    async def token(request: Request) -> dict[str, Any]:
        form = await request.form()
        scope, aud = str(form.get("scope", "")), str(form.get("resource", "")) or AUDIENCE
        granted = issuer.token(
            role="service", localities=["*"], scopes=scope, subject="linkwork-matching", aud=aud
        )
        return {"access_token": granted, "expires_in": 3000, "token_type": "Bearer"}

    return app


def _without_lifespan(app: FastAPI) -> FastAPI:
    """The same application for a second server, without its lifespan, which must not start twice."""
    front = FastAPI(openapi_url=None)
    front.mount("/", app)
    return front


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
