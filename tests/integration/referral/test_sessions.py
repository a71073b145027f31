"""Sessions as the referral service keeps them."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pymongo.errors import ServerSelectionTimeoutError

from services.referral.collections import SESSIONS
from services.referral.session_renewal import Renewals, SessionSecrets
from services.referral.sessions import KeptSessions
from shared.delivery.mongo.database import Mongo
from shared.platform.web.granted import Granted
from shared.platform.web.principal import principal_of
from shared.platform.web.session import Session
from shared.platform.web.session_asking import PATH, AskedSessions
from shared.platform.web.session_keeping import SessionsUnavailable
from shared.platform.web.settings import ServiceSettings
from tests.harness.pages.serving import serving
from tests.harness.referral.running import ReferralHarness
from tests.harness.web.forms import browser, hidden_fields
from tests.harness.web.sample import sample_app

IDLE = timedelta(minutes=30)
DIGESTS_AND_SEALED = {"who", "sid", "rights", "refresh", "renewed", "renewing"}
CLAIMS = {"sub": "tester", "role": "referrer"}


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class NoIssuer:
    """Is not asked: these sign-ins have no refresh token."""

    async def renewed(self, refresh_token: str, subject: str) -> Granted:
        raise AssertionError(subject)


def keeper_on(mongo: Mongo, settings: ServiceSettings, clock: Hands) -> KeptSessions:
    renewals = Renewals(mongo, NoIssuer(), SessionSecrets(settings), clock)
    return KeptSessions(mongo, IDLE, renewals, clock)


def kept(referral: ReferralHarness, clock: Hands) -> KeptSessions:
    return keeper_on(referral.mongo, referral.settings, clock)


def new_session(clock: Hands, hours: float = 9) -> Session:
    return Session(f"session {time.monotonic_ns()}", CLAIMS, clock() + timedelta(hours=hours))


def begin(keeper: KeptSessions, session: Session) -> Coroutine[Any, Any, None]:
    granted = Granted(CLAIMS, session.ends, "tester")
    return keeper.begin(session.digest, session.ends, principal_of(CLAIMS), granted)


async def test_a_session_ends_after_idle_minutes(referral: ReferralHarness) -> None:
    clock = Hands()
    keeper, session = kept(referral, clock), new_session(clock)
    await begin(keeper, session)

    for _ in range(4):  # used, it goes on
        clock.now += IDLE - timedelta(minutes=1)
        assert await keeper.is_open(session.digest)
    clock.now += IDLE
    assert not await keeper.is_open(session.digest)


async def test_use_in_another_service_counts(referral: ReferralHarness) -> None:
    clock = Hands()
    one, other, session = kept(referral, clock), kept(referral, clock), new_session(clock)
    await begin(one, session)
    clock.now += timedelta(minutes=20)
    assert await other.is_open(session.digest)
    clock.now += timedelta(minutes=20)
    assert await one.is_open(session.digest)


async def test_a_busy_session_ends_at_its_longest(referral: ReferralHarness) -> None:
    clock = Hands()
    keeper, session = kept(referral, clock), new_session(clock, hours=1)
    await begin(keeper, session)
    clock.now += timedelta(minutes=25)
    assert await keeper.is_open(session.digest)
    clock.now += timedelta(minutes=25)
    assert await keeper.is_open(session.digest)
    clock.now += timedelta(minutes=10)
    assert not await keeper.is_open(session.digest)


async def test_an_ended_or_unknown_session_is_closed(referral: ReferralHarness) -> None:
    clock = Hands()
    keeper, session = kept(referral, clock), new_session(clock)
    assert not await keeper.is_open(session.digest)
    await begin(keeper, session)
    await keeper.end(session.digest)
    await keeper.end(session.digest)
    assert not await keeper.is_open(session.digest)


async def test_a_kept_session_names_nobody(referral: ReferralHarness) -> None:
    cookies = referral.cookies(subject="asha.brindley")
    async with browser(referral.app, cookies) as client:
        assert (await client.get("/referral/")).status_code == 200
    async for row in referral.mongo[SESSIONS].find():
        assert set(row) <= {"_id", "used", "ends"} | DIGESTS_AND_SEALED
        assert "asha" not in str(row)


async def test_the_database_removes_ended_sessions(referral: ReferralHarness) -> None:
    indexes = await referral.mongo[SESSIONS].index_information()
    assert indexes["sessions_end"]["expireAfterSeconds"] == 0
    assert indexes["sessions_end"]["key"] == [("ends", 1)]


async def test_a_database_away_lets_nobody_in() -> None:
    mongo = Mongo("mongodb://127.0.0.1:9/?directConnection=true", "nothing", timeout_ms=100)
    settings = ServiceSettings(env="development")
    keeper, session = keeper_on(mongo, settings, Hands()), new_session(Hands())
    for asking in (
        keeper.is_open(session.digest),
        begin(keeper, session),
        keeper.end(session.digest),
    ):
        with pytest.raises(SessionsUnavailable):
            await asking
    with pytest.raises(ServerSelectionTimeoutError):
        await mongo.client.admin.command("ping")
    await mongo.close()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ({"role": "service", "scopes": "sessions:check"}, 200),
        ({"role": "service", "scopes": "claims:read notes:write"}, 403),
        ({"role": "programme_admin", "scopes": "sessions:check"}, 403),
        ({"role": "referrer"}, 403),
    ],
)
async def test_the_question_needs_its_scope(
    referral: ReferralHarness, who: dict[str, Any], status: int
) -> None:
    headers = referral.issuer.bearer(**({"localities": ["*"]} | who))
    answer = await referral.http.post(PATH, json={"session": "0" * 64}, headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"open": False}


@pytest.mark.parametrize("session", ["", "0" * 63, "G" * 64, 0, None, ["0" * 64]])
async def test_the_question_needs_a_digest(referral: ReferralHarness, session: Any) -> None:
    headers = referral.service("sessions:check")
    answer = await referral.http.post(PATH, json={"session": session}, headers=headers)
    assert answer.status_code == 422


async def test_signing_out_here_ends_it_elsewhere(referral: ReferralHarness) -> None:
    """A copied cookie dies here at once, and in a service that had seen it, within ten seconds."""
    cookies = referral.cookies()
    async with serving(without_lifespan(referral)) as vault:
        settings = referral.issuer.settings(ServiceSettings, referral_url=vault)
        other = sample_app(settings)
        async with browser(other, cookies) as thief, browser(referral.app, cookies) as owner:
            assert (await thief.get("/sample/home")).status_code == 200
            page = await owner.get("/referral/")
            began = time.monotonic()
            left = await owner.post("/sign-out", data=hidden_fields(page.text))
            assert left.status_code == 303
            async with browser(referral.app, cookies) as copied:
                assert (await copied.get("/referral/")).status_code == 303
            while (await thief.get("/sample/home")).status_code == 200:
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.2)
            assert (await thief.get("/sample/home")).status_code == 303


async def test_a_restarted_keeper_is_asked_again(referral: ReferralHarness) -> None:
    """A restarting replica refuses for a moment, and users stay signed in."""
    cookies = referral.cookies()
    async with serving(without_lifespan(referral)) as vault:
        port = httpx.URL(vault).port
    app = sample_app(referral.issuer.settings(ServiceSettings, referral_url=vault))
    async with browser(app, cookies) as client:
        asking = asyncio.create_task(client.get("/sample/home"))
        await asyncio.sleep(0.2)
        async with serving(without_lifespan(referral), port or 0):
            assert (await asking).status_code == 200


async def test_a_silent_keeper_is_not_waited_for_long(referral: ReferralHarness) -> None:
    callers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: callers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = AskedSessions(referral.issuer.settings(ServiceSettings, referral_url=f"http://127.0.0.1:{port}"))
    began = time.monotonic()
    with pytest.raises(SessionsUnavailable):
        await asked.is_open("0" * 64)
    assert time.monotonic() - began < 5
    for caller in callers:
        caller.close()
        await caller.wait_closed()
    server.close()


def without_lifespan(referral: ReferralHarness) -> Any:
    """The pages of a service that runs already, to be served on a port."""

    async def pages(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await referral.app(scope, receive, send)

    return pages
