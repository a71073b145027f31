"""A service's mailbox is confirmed by mail before anything else is mailed to it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import httpx
import orjson
import pytest_asyncio
from aiosmtpd.controller import Controller

from deploy.local.ports import free_port
from services.matching.collections import CASELOADS, CONSENTS, DAYS
from services.matching.definition import forget_referrals
from services.matching.directory.views import ListingFault
from services.matching.request import RequestContext
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities
from shared.platform.web.principal import Principal
from tests.harness.delivery.toy import bench
from tests.harness.feed.records import LUNCH_CLUB_ID, lunch_club
from tests.harness.matching.service_harness import MatchingHarness, hours, matching_harness
from tests.harness.web.issuer import LoopbackIssuer

REAL = "desk@lunch.example.org"


@dataclass
class Post:
    """Mails that the mail server took: recipients and text."""

    letters: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        body = message.get_body()
        self.letters.append((envelope.rcpt_tos[0], body.get_content() if body else ""))
        return "250 kept"


@dataclass
class Town:
    """The service with a mail server."""

    here: MatchingHarness
    post: Post

    @property
    def tokens(self) -> list[str]:
        return [found for _, text in self.post.letters for found in re.findall(r"/s/mailbox/(\S+)", text)]

    async def bring(self, **changed: Any) -> None:
        """The lunch club with its real address, through the import."""
        document = orjson.dumps({"contents": [lunch_club(**{"email": REAL} | changed)]})
        answer = await self.here.http.post(
            "/directory/imports?feed=test", content=document, headers=self.here.admin()
        )
        assert (answer.status_code, answer.json()["services"]) == (201, 1), answer.text

    async def met(self) -> str:
        """Somebody who was met; time goes on to their meeting."""
        referral = await self.here.refer()
        await self.here.met(referral)
        return referral

    async def prescribe(self, referral: str | None = None) -> None:
        referral = referral or await self.met()
        body = {"service_id": LUNCH_CLUB_ID, "need": "befriending", "may_share": "yes"}
        done = await self.here.post(f"/referrals/{referral}/prescriptions", body, of=self.here.link_worker())
        assert done.status_code == 201, done.text

    async def entry(self) -> dict[str, Any]:
        """The entry as the service that mails reads it."""
        scopes = "directory:read contacts:read"
        headers = self.here.bearer("service", localities=["*"], scopes=scopes)
        found: dict[str, Any] = (
            await self.here.http.get(f"/services/{LUNCH_CLUB_ID}", headers=headers)
        ).json()
        return found

    async def claim(self) -> dict[str, Any]:
        """The lunch club as the administrator sees it."""
        answer = await self.here.http.get("/directory/claims", headers=self.here.admin())
        (found,) = answer.json()["services"]
        claim: dict[str, Any] = found
        return claim

    def page(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.here.app)
        return httpx.AsyncClient(transport=transport, base_url="http://matching")


@pytest_asyncio.fixture
async def mailed(kafka: KafkaConnection, mongo_url: str, issuer: LoopbackIssuer) -> AsyncIterator[Town]:
    post = Post()
    server = Controller(post, hostname="127.0.0.1", port=free_port())
    server.start()
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port}
    try:
        async with bench(kafka, mongo_url) as made, matching_harness(made, issuer, **smtp) as here:
            await here.put_worker(hours=hours(range(7)))
            yield Town(here, post)
    finally:
        server.stop()


async def test_a_mailbox_is_used_after_its_yes_and_not_before(mailed: Town) -> None:
    await mailed.bring()
    await mailed.prescribe()
    entry = await mailed.entry()
    assert (entry["asks_email"], entry["mailbox_confirmed"]) == (None, False)
    asked = await mailed.claim()
    assert (asked["mailbox"], bool(asked["mailbox_since"])) == ("asked", True)
    (letter,) = mailed.post.letters
    assert letter[0] == REAL
    assert "Meir lunch club (example)" in letter[1]
    (token,) = mailed.tokens
    async with mailed.page() as page:
        shown = await page.get(f"/s/mailbox/{token}")
        assert "Yes, this is our email address" in shown.text
        assert (await mailed.entry())["mailbox_confirmed"] is False  # a GET changes nothing
        csrf = re.search(r'name="csrf[^"]*" value="([^"]+)"', shown.text)
        assert csrf is not None
        field_name = csrf[0].split('"')[1]
        done = await page.post(f"/s/mailbox/{token}", data={field_name: csrf[1]}, follow_redirects=True)
    assert "Your email address is confirmed" in done.text
    assert (await mailed.entry())["asks_email"] == REAL
    claimed = await mailed.claim()
    assert (claimed["mailbox"], claimed["email"], claimed["faults"]) == ("confirmed", REAL, {})


async def test_administrator_sees_what_a_service_claims(mailed: Town) -> None:
    await mailed.bring(email=None)
    assert (await mailed.claim())["mailbox"] == "no_mailbox"
    await mailed.bring()
    assert (await mailed.claim())["mailbox"] == "not_asked"
    by = Principal("asha", "link_worker", frozenset({mailed.here.slug}), link_worker="lw-meir-1")
    directory = mailed.here.app.state.features.directory
    for _ in range(2):
        await directory.flag_listing(RequestContext(by), LUNCH_CLUB_ID, ListingFault.TIMES)
    assert (await mailed.claim())["faults"] == {"times": 2}
    refused = await mailed.here.http.get("/directory/claims", headers=mailed.here.link_worker())
    assert refused.status_code == 403


async def test_sandbox_mails_no_service_and_forgets_what_it_holds(mailed: Town) -> None:
    here, mongo = mailed.here, mailed.here.kernel.mongo
    known: Localities = here.app.state.localities
    known.become(Localities(known.name, known.hub, tuple(replace(one, sandbox=True) for one in known), ()))
    await mailed.bring()
    referral, booked = await mailed.met(), await here.refer()
    await mailed.prescribe(referral)
    prescription = (await here.until(referral, lambda view: view["prescriptions"]))["prescriptions"][0]["id"]
    answer = await here.post(f"/prescriptions/{prescription}/link/send", of=here.link_worker())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:sandbox")
    assert mailed.post.letters == []
    admin = Principal("admin", "programme_admin", frozenset({here.slug}))
    assert await here.app.state.features.queries.programme.programme(admin) == []
    held = {"locality": here.slug, "held.r": {"$in": [referral, booked]}}
    loads = {"locality": here.slug, "referrals": {"$in": [referral, booked]}}
    assert await mongo[DAYS].count_documents(held)
    assert await mongo[CASELOADS].count_documents(loads)
    assert await mongo[CONSENTS].count_documents({"_id": f"{here.slug}/{referral}"})
    await here.kernel.transact(lambda tx: forget_referrals(tx, here.slug, [referral, booked]))
    assert not await mongo[DAYS].count_documents(held)
    assert not await mongo[CASELOADS].count_documents(loads)
    assert not await mongo[CONSENTS].count_documents({"_id": f"{here.slug}/{referral}"})


async def test_an_address_is_asked_once_a_day(mailed: Town) -> None:
    await mailed.bring()
    first, second, third = [await mailed.met() for _ in range(3)]
    await mailed.prescribe(first)
    await mailed.prescribe(second)
    assert len(mailed.post.letters) == 1
    mailed.here.clock.now += timedelta(days=1, minutes=1)
    await mailed.prescribe(third)
    assert len(mailed.tokens) == 2
    async with mailed.page() as page:
        assert (await page.get(f"/s/mailbox/{mailed.tokens[0]}")).status_code == 410
        assert (await page.get(f"/s/mailbox/{mailed.tokens[1]}x")).status_code == 404
        assert (await page.get(f"/s/mailbox/{mailed.tokens[1].upper()}.")).status_code == 200
        mailed.here.clock.now += timedelta(days=28)
        assert (await page.get(f"/s/mailbox/{mailed.tokens[1]}")).status_code == 410


async def test_a_changed_address_is_confirmed_anew(mailed: Town) -> None:
    await mailed.bring()
    await mailed.prescribe()
    await mailed.here.app.state.features.mailboxes.confirm_mailbox(mailed.tokens[0])
    assert (await mailed.entry())["asks_email"] == REAL
    await mailed.bring(email="new@lunch.example.org")
    assert (await mailed.entry())["mailbox_confirmed"] is False
    await mailed.bring()
    assert (await mailed.entry())["asks_email"] == REAL


async def test_a_service_without_a_confirmed_mailbox_is_rung(mailed: Town) -> None:
    await mailed.bring()
    referral = await mailed.here.refer()
    headers = mailed.here.link_worker()
    at = f"/referrals/{referral}/services?need=befriending"
    (ranked,) = (await mailed.here.http.get(at, headers=headers)).json()["services"]
    assert ranked["can_be_asked"] is False
    await mailed.bring(email="ask@lunch.example")
    (ranked,) = (await mailed.here.http.get(at, headers=headers)).json()["services"]
    assert ranked["can_be_asked"] is True  # an invented address, in development
