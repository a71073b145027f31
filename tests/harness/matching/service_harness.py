"""The matching service in a locality of its own, on the real broker and database, called over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from services.matching.app import create_app
from services.matching.booking.diary import Diaries
from services.matching.referral_state.state import ReferralState
from services.matching.settings import MatchingSettings
from shared.contract.events import outcomes as o
from shared.contract.events.models import EventBody
from shared.delivery.kernel import Kernel
from shared.platform.ids import new_id
from shared.platform.localities import OWN_VAULT, Contact, Localities, Locality, Practice, Source
from tests.harness.delivery.toy import Bench, said
from tests.harness.matching import decision_harness as world
from tests.harness.web.issuer import LoopbackIssuer

PRACTICE, OTHER_PRACTICE = world.PRACTICE, world.OTHER_PRACTICE
DESK = Contact("Desk (example)", "01632 960101", "desk@desk.example")
RANKS = (("partner", 50), *((part, 40) for part in world.OURS), ("referral", 30), ("history", 10))


def programme(slug: str, elsewhere: str = "elsewhere") -> Localities:
    """Two localities, the first with two practices in one building."""

    def locality(name: str, *codes: str) -> Locality:
        return Locality(
            slug=name,
            name=name.title(),
            place="A place (example)",
            live_from=date(2025, 1, 6),
            data_controller="Controller (example)",
            employer="Employer (example)",
            privacy_notice="https://privacy.example/",
            minimum_age=18,
            younger_people=DESK,
            safeguarding=DESK,
            practices=tuple(
                Practice(
                    code, f"Practice {code}", "Primary Care Centre", "ST3 6AB", None, name, "m@p.example"
                )
                for code in codes
            ),
            sources={f"/{name}/{who}": Source(f"/{name}/{who}", "partner", n, OWN_VAULT) for who, n in RANKS},
            owners={},
        )

    return Localities(
        "Programme (example)",
        DESK,
        (locality(slug, PRACTICE, OTHER_PRACTICE), locality(elsewhere, "M83032")),
        (),
    )


@dataclass
class FakeClock:
    """A clock that a test sets."""

    now: datetime = world.NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class MatchingHarness:
    """The running service, and its callers."""

    bench: Bench
    issuer: LoopbackIssuer
    clock: FakeClock
    app: FastAPI
    http: httpx.AsyncClient
    referrals: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return self.bench.locality

    @property
    def kernel(self) -> Kernel[ReferralState, Diaries]:
        kernel: Kernel[ReferralState, Diaries] = self.app.state.kernel
        return kernel

    def bearer(self, role: str, **claims: Any) -> dict[str, str]:
        """The header of a caller in this role, signed in by this harness's clock."""
        now = int(self.clock.now.timestamp())
        times = {"iat": now - 5, "nbf": now - 5, "exp": now + 3600}
        return self.issuer.bearer(**{"role": role, "localities": [self.slug]} | times | claims)

    def link_worker(self, name: str = "lw-meir-1") -> dict[str, str]:
        return self.bearer("link_worker", link_worker=name, subject=name)

    def admin(self) -> dict[str, str]:
        return self.bearer("programme_admin", subject="admin")

    async def put_worker(self, name: str = "lw-meir-1", /, **more: Any) -> None:
        """Stores a link worker, by default with weekday mornings at both practices."""
        entry = {
            "id": name,
            "locality": self.slug,
            "name": "Priya Wainwright",
            "email": "priya@links.example",
            "telephone": "01632 960401",
            "meeting_minutes": 45,
            "hours": hours(range(5)),
        } | more
        answer = await self.http.put(f"/link-workers/{name}", json=entry, headers=self.admin())
        assert answer.status_code == 200, answer.text

    async def say(self, body: EventBody, by: str = "referral") -> None:
        await self.bench.say(said(body, by, time=self.clock.now))

    async def refer(self, **traits: Any) -> str:
        """Refers a person over the bus, and waits until they are booked or waiting."""
        name = new_id()
        await self.say(world.created(name, locality=self.slug, at=self.clock.now, **traits))
        found = await self.until(name, lambda view: bool(view["active"] or view["waiting"]))
        assert found["created"] is not None
        self.referrals.append(name)
        return name

    async def until(self, referral: str, test: Any, seconds: float = 10.0) -> dict[str, Any]:
        """Waits until the stored view passes the test, and returns it."""
        found = await self.kernel.wait_for(self.slug, referral, test, seconds)
        assert found is not None
        assert test(found), found
        return dict(found)

    async def view(self, referral: str) -> ReferralState:
        found = await self.kernel.view(self.slug, referral)
        assert found is not None
        return found

    async def meeting(self, referral: str) -> dict[str, Any]:
        """The active meeting as stored."""
        view = await self.until(referral, lambda view: view["active"])
        return dict(next(m for m in view["meetings"] if m["id"] == view["active"]))

    async def post(
        self, path: str, body: Any = None, *, of: dict[str, str], key: str | None = None
    ) -> httpx.Response:
        headers = of | ({"idempotency-key": key} if key else {})
        return await self.http.post(path, json=body, headers=headers)

    async def met(self, referral: str) -> None:
        """Moves the clock to the day of the meeting, and records that the person came."""
        meeting = await self.meeting(referral)
        self.clock.now = meeting["starts_at"] + timedelta(hours=1)
        done = await self.post(
            f"/meetings/{meeting['id']}/attended", of=self.link_worker(meeting["link_worker"])
        )
        assert done.status_code == 200, done.text

    async def published(self, kind: type[EventBody], referral: str) -> list[dict[str, Any]]:
        """The bodies of this kind that we published about a referral."""
        event = "meeting-booked" if not issubclass(kind, o.Outcome) else "outcome-recorded"
        records = await self.bench.heard(f"{self.slug}.{event}.v1", 1, seconds=3)
        bodies = [orjson.loads(r.value or b"{}") for r in records if r.key == referral.encode()]
        wanted = kind.model_fields["kind"].default if issubclass(kind, o.Outcome) else None
        return [body for body in bodies if wanted is None or body["kind"] == wanted]

    async def no_time_is_held_twice(self) -> None:
        """Checks that every active meeting of ours holds its own time alone."""
        held: dict[tuple[str, datetime], str] = {}
        async for day in self.kernel.mongo["days"].find({"locality": self.slug}):
            for one in day["held"]:
                assert held.setdefault((day["link_worker"], one["s"]), one["i"]) == one["i"]
        booked: dict[tuple[str, datetime], str] = {}
        async for row in self.kernel.mongo["referrals"].find({"locality": self.slug, "view.open": True}):
            for one in row["view"]["meetings"]:
                if one["id"] == row["view"]["active"]:
                    key = (one["link_worker"], one["starts_at"])
                    assert key not in booked
                    booked[key] = one["id"]
                    assert held[key] == one["id"]


def hours(weekdays: Any, opens: time = time(9), closes: time = time(12)) -> list[dict[str, Any]]:
    """Weekly hours in the form of the API."""
    return [
        {
            "weekday": day,
            "opens": opens.isoformat(),
            "closes": closes.isoformat(),
            "practices": [PRACTICE, OTHER_PRACTICE],
            "place": "Primary Care Centre, room 4",
        }
        for day in weekdays
    ]


@asynccontextmanager
async def matching_harness(
    bench: Bench, issuer: LoopbackIssuer, **settings: Any
) -> AsyncIterator[MatchingHarness]:
    """Runs the service from start to end. No vault answers unless the settings name one."""
    clock = FakeClock()
    given = issuer.settings(
        MatchingSettings,
        database=bench.options.database,
        mongo_url=bench.mongo_url,
        **bench.kafka.settings(),
        localities=bench.locality,
        **{"referral_url": "http://127.0.0.1:9"} | settings,
    )
    app = create_app(given, localities=programme(bench.locality), options=replace(bench.options), clock=clock)
    transport = httpx.ASGITransport(app=app)
    base = "http://matching/api/matching/v1"
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base) as http,
    ):
        yield MatchingHarness(bench, issuer, clock, app, http)
