"""Sessions with a refresh token: open while the issuer gives the same rights, and no longer."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.referral.collections import LOGOUTS, SESSIONS
from services.referral.session_renewal import BELIEVED, RENEWED_AFTER, Renewals, SessionSecrets
from services.referral.sessions import KeptSessions
from shared.platform.ids import new_id
from shared.platform.web.granted import Granted, IssuerUnavailable, LogoutNotice, NoRole, NotGranted
from shared.platform.web.principal import principal_of
from shared.platform.web.session_keeping import REMEMBERED_SECONDS, RepeatedNotice, SessionsUnavailable
from tests.harness.referral.running import ReferralHarness
from tests.integration.referral.test_sessions import Hands

SUBJECT = "admin-1"
CLAIMS = {"sub": SUBJECT, "role": "programme_admin", "localities": ["meir"]}


@dataclass
class ScriptedIssuer:
    """Rotates refresh tokens. `claims` are what it gives; `fails` is raised instead."""

    clock: Hands
    claims: dict[str, Any] = field(default_factory=lambda: dict(CLAIMS))
    fails: Exception | None = None
    asked: list[str] = field(default_factory=list)
    pause: float = 0

    def granted(self, number: int, sid: str | None = None) -> Granted:
        until = self.clock() + timedelta(minutes=5)
        return Granted(dict(self.claims), until, self.claims["sub"], sid, f"refresh-{number}")

    async def renewed(self, refresh_token: str, subject: str) -> Granted:
        assert refresh_token == f"refresh-{len(self.asked)}", "a refresh token is good once"
        assert subject == SUBJECT
        if self.fails is not None:
            raise self.fails
        self.asked.append(refresh_token)
        await asyncio.sleep(self.pause)
        return self.granted(len(self.asked))


@dataclass
class Kept:
    """One session on two replicas."""

    clock: Hands
    issuer: ScriptedIssuer
    one: KeptSessions
    other: KeptSessions
    digest: str

    def later(self, by: timedelta) -> None:
        self.clock.now += by


async def kept(referral: ReferralHarness, *, sid: str | None = None, **settings: Any) -> Kept:
    clock = Hands()
    issuer = ScriptedIssuer(clock)
    chosen = referral.settings.model_copy(update=settings)
    one, other = (
        KeptSessions(
            referral.mongo,
            timedelta(minutes=30),
            Renewals(referral.mongo, issuer, SessionSecrets(chosen), clock),
            clock,
        )
        for _ in range(2)
    )
    digest = new_id()
    await one.begin(digest, clock() + timedelta(hours=9), principal_of(CLAIMS), issuer.granted(0, sid))
    return Kept(clock, issuer, one, other, digest)


def test_a_role_ends_within_a_minute() -> None:
    assert BELIEVED.total_seconds() + REMEMBERED_SECONDS < 60
    assert RENEWED_AFTER < BELIEVED


async def test_the_issuer_is_asked_when_its_answer_is_old(referral: ReferralHarness) -> None:
    session = await kept(referral)
    assert await session.one.is_open(session.digest)
    assert session.issuer.asked == []
    for number in range(3):
        session.later(RENEWED_AFTER)
        assert await session.one.is_open(session.digest)
        assert await session.other.is_open(session.digest)
        assert len(session.issuer.asked) == number + 1


async def test_replicas_ask_one_at_a_time(referral: ReferralHarness) -> None:
    session = await kept(referral)
    session.issuer.pause = 0.3
    session.later(timedelta(minutes=5))
    asking = [keeper.is_open(session.digest) for keeper in (session.one, session.other) * 5]

    assert all(await asyncio.gather(*asking))
    assert len(session.issuer.asked) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "analyst"},
        {"localities": []},
        {"localities": ["meir", "longton"]},
        {"practices": ["M83100"]},
        {"link_worker": "lw-1"},
    ],
)
async def test_other_rights_end_the_session(referral: ReferralHarness, changed: dict[str, Any]) -> None:
    session = await kept(referral)
    session.issuer.claims |= changed
    session.later(RENEWED_AFTER)

    assert not await session.one.is_open(session.digest)
    assert not await session.other.is_open(session.digest)
    assert await referral.mongo[SESSIONS].find_one({"_id": session.digest}) is None


@pytest.mark.parametrize("refusal", [NotGranted("invalid_grant"), NoRole("no_role")])
async def test_a_refusal_ends_the_session(referral: ReferralHarness, refusal: NotGranted) -> None:
    session = await kept(referral)
    session.issuer.fails = refusal
    session.later(RENEWED_AFTER)
    assert not await session.one.is_open(session.digest)
    session.issuer.fails = None
    assert not await session.one.is_open(session.digest)


async def test_an_issuer_away_is_believed_under_a_minute(referral: ReferralHarness) -> None:
    session = await kept(referral)
    session.issuer.fails = IssuerUnavailable()
    session.later(RENEWED_AFTER)
    assert await session.one.is_open(session.digest)
    session.later(BELIEVED - RENEWED_AFTER)
    with pytest.raises(SessionsUnavailable):
        await session.one.is_open(session.digest)
    with pytest.raises(SessionsUnavailable):
        await session.other.is_open(session.digest)


async def test_an_issuer_that_comes_back_is_asked_again(referral: ReferralHarness) -> None:
    session = await kept(referral)
    session.issuer.fails = IssuerUnavailable()
    session.later(timedelta(minutes=5))
    with pytest.raises(SessionsUnavailable):
        await session.one.is_open(session.digest)
    session.issuer.fails = None
    session.later(timedelta(seconds=10))

    assert await session.one.is_open(session.digest)


async def test_a_session_ended_meanwhile_stays_ended(referral: ReferralHarness) -> None:
    session = await kept(referral)
    session.issuer.pause = 0.3
    session.later(RENEWED_AFTER)
    asking = asyncio.create_task(session.one.is_open(session.digest))
    while not session.issuer.asked:
        await asyncio.sleep(0.01)
    await session.other.end(session.digest)

    assert not await asking
    assert await referral.mongo[SESSIONS].find_one({"_id": session.digest}) is None


async def test_a_stored_session_shows_no_token_and_nobody(referral: ReferralHarness) -> None:
    session = await kept(referral, sid="session-at-the-issuer")
    row = str(await referral.mongo[SESSIONS].find_one({"_id": session.digest}))
    for known in ("refresh-0", "admin-1", "programme_admin", "meir", "session-at-the-issuer"):
        assert known not in row


async def test_a_key_that_is_gone_ends_the_session(referral: ReferralHarness) -> None:
    session = await kept(referral, session_key=SecretStr("another key of thirty-two letters"))
    secrets = SessionSecrets(referral.settings)
    renewals = Renewals(referral.mongo, session.issuer, secrets, session.clock)
    later = KeptSessions(referral.mongo, timedelta(minutes=30), renewals, session.clock)
    session.later(RENEWED_AFTER)

    assert not await later.is_open(session.digest)


async def test_a_notice_ends_what_it_names(referral: ReferralHarness) -> None:
    named, same_person = await kept(referral, sid="s1"), await kept(referral, sid="s2")
    without = await kept(referral)
    ended = await named.one.end_named(LogoutNotice(new_id(), SUBJECT, "s1"))

    assert set(ended) >= {named.digest, without.digest}
    assert not await named.other.is_open(named.digest)
    assert await same_person.one.is_open(same_person.digest)
    assert not await without.one.is_open(without.digest), "it may be the one: its ID token named none"
    await named.one.end_named(LogoutNotice(new_id(), SUBJECT, None))
    assert not await same_person.one.is_open(same_person.digest)


async def test_a_notice_about_another_ends_nothing(referral: ReferralHarness) -> None:
    session = await kept(referral, sid="s3")
    for notice in (LogoutNotice(new_id(), "another", None), LogoutNotice(new_id(), None, "s4")):
        await session.one.end_named(notice)
    assert await session.one.is_open(session.digest)


async def test_a_notice_counts_once(referral: ReferralHarness) -> None:
    session = await kept(referral, sid="s5")
    notice = LogoutNotice(new_id(), None, "s5")
    await session.one.end_named(notice)
    with pytest.raises(RepeatedNotice):
        await session.other.end_named(notice)
    indexes = await referral.mongo[LOGOUTS].index_information()
    assert indexes["logouts_end"]["expireAfterSeconds"] == 600
