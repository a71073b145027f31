"""Sessions: an answer is remembered briefly, asked for once, and never made up."""

import asyncio
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from shared.platform.web.session_keeping import REMEMBERED_SECONDS, RememberedSessions, SessionsUnavailable
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.sample import sample_app

SESSION = "a" * 64


@dataclass
class Seconds:
    """A clock of seconds that the test moves."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_is_remembered_under_ten_seconds() -> None:
    kept, seconds = MemorySessions(), Seconds()
    kept.open.add(SESSION)
    remembered = RememberedSessions(kept, seconds)
    assert await remembered.is_open(SESSION)
    kept.open.clear()

    seconds.now += REMEMBERED_SECONDS - 0.1
    assert await remembered.is_open(SESSION)
    seconds.now += 0.2
    assert not await remembered.is_open(SESSION)
    assert REMEMBERED_SECONDS < 10
    assert kept.questions == 2


class SlowSessions(MemorySessions):
    """Answers what was true when it was asked, once `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def is_open(self, digest: str) -> bool:
        found = await super().is_open(digest)
        await self.go.wait()
        return found


async def test_a_slow_answer_counts_from_the_question() -> None:
    kept, seconds = SlowSessions(), Seconds()
    kept.open.add(SESSION)
    remembered = RememberedSessions(kept, seconds)
    asking = asyncio.create_task(remembered.is_open(SESSION))
    while not kept.questions:
        await asyncio.sleep(0)
    kept.open.clear()
    seconds.now += REMEMBERED_SECONDS + 1
    kept.go.set()

    assert await asking
    assert not await remembered.is_open(SESSION), "the answer was too old to be remembered"


async def test_requests_at_one_time_share_a_question() -> None:
    kept = SlowSessions()
    kept.open.add(SESSION)
    remembered = RememberedSessions(kept)
    asking = [asyncio.create_task(remembered.is_open(SESSION)) for _ in range(50)]
    while not kept.questions:
        await asyncio.sleep(0)
    asking[0].cancel()
    kept.go.set()

    assert all(await asyncio.gather(*asking[1:]))
    assert kept.questions == 1


async def test_a_failure_lets_nobody_in_and_is_not_kept() -> None:
    kept = MemorySessions()
    kept.open.add(SESSION)
    kept.away = True
    remembered = RememberedSessions(kept)
    with pytest.raises(SessionsUnavailable):
        await remembered.is_open(SESSION)

    kept.away = False
    assert await remembered.is_open(SESSION)


async def test_an_ended_session_is_forgotten_at_once() -> None:
    kept = SlowSessions()
    kept.open.add(SESSION)
    remembered = RememberedSessions(kept)
    before = asyncio.create_task(remembered.is_open(SESSION))
    while not kept.questions:
        await asyncio.sleep(0)
    await kept.end(SESSION)
    remembered.forget(SESSION)
    kept.go.set()
    await before

    assert not await remembered.is_open(SESSION), "an answer from before the end was remembered"


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.platform.web.session_keeping._MOST_REMEMBERED", 3)
    kept = MemorySessions()
    remembered = RememberedSessions(kept)
    for number in range(10):
        await remembered.is_open(f"{number:064x}")
    await remembered.is_open(f"{9:064x}")
    await remembered.is_open(f"{0:064x}")

    assert kept.questions == 11


async def test_a_cookie_of_no_open_session_is_none(app: FastAPI, issuer: LoopbackIssuer) -> None:
    cookies = issuer.signed_in(app, role="analyst")
    async with browser(app, cookies) as analyst:
        assert (await analyst.get("/sample/figures")).status_code == 200
    other = sample_app(issuer.settings(ServiceSettings))
    issuer.sessions.clear()

    async with browser(other, cookies) as thief:
        assert (await thief.get("/sample/figures")).status_code == 303
        assert "Sign out" not in (await thief.get("/")).text


async def test_a_page_asks_once_in_eight_seconds(issuer: LoopbackIssuer) -> None:
    app = sample_app(issuer.settings(ServiceSettings))
    before = issuer.questions
    async with browser(app, issuer.signed_in(app, role="analyst")) as analyst:
        for _ in range(20):
            assert (await analyst.get("/sample/figures")).status_code == 200

    assert issuer.questions == before + 1


@pytest.mark.parametrize("away", ["refuses", "silent", "forbidden", "nonsense", "no token"])
async def test_without_an_answer_nobody_is_let_in(own_issuer: LoopbackIssuer, away: str) -> None:
    more: dict[str, str] = {}
    if away == "refuses":
        more = {"referral_url": "http://127.0.0.1:9"}
    if away == "no token":
        more = {"token_url": "http://127.0.0.1:9/token"}
    app = sample_app(own_issuer.settings(ServiceSettings, **more))
    cookies = own_issuer.signed_in(app, role="analyst")
    own_issuer.questions_answer({"silent": 500, "forbidden": 403}.get(away, 200), nonsense=away == "nonsense")

    async with browser(app, cookies) as analyst:
        page = await analyst.get("/sample/figures")
        document = await analyst.get("/sample/figures", headers={"accept": "application/json"})
        anyone = await analyst.get("/api/linkwork/v1/me", headers=own_issuer.bearer())
        analyst.cookies.clear()
        without = await analyst.get("/")

    assert page.status_code == 503
    assert "We cannot check that you are still signed in" in page.text
    assert "Sign out" not in page.text
    assert document.headers["content-type"] == "application/problem+json"
    assert document.json()["type"] == "urn:linkwork:problem:sessions_unavailable"
    assert (anyone.status_code, without.status_code) == (200, 200), "a token is not a session"


async def test_a_token_too_old_is_fetched_anew(own_issuer: LoopbackIssuer) -> None:
    app = sample_app(own_issuer.settings(ServiceSettings))
    cookies = own_issuer.signed_in(app, role="analyst")
    own_issuer.questions_answer(401, once=True)

    async with browser(app, cookies) as analyst:
        assert (await analyst.get("/sample/figures")).status_code == 200
