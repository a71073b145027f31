"""Casework with another owner: our pages change nothing, and our booking and directory work with it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.matching.collections import LINK_WORKERS
from services.matching.prescribing.inputs import ServiceReply
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.platform.ids import new_id
from shared.platform.web.problem import Problem
from tests.harness.matching import decision_harness as world
from tests.harness.matching.plans import service_of
from tests.harness.matching.service_harness import PRACTICE, MatchingHarness
from tests.harness.pages.serving import serving
from tests.harness.parts.casework import StubCasework
from tests.harness.parts.elsewhere import fact_of
from tests.harness.parts.operations import ServedPart
from tests.harness.parts.owned import owned_by

OWNER = "casework-stub"


@dataclass
class Elsewhere:
    """Our service, the stub that owns casework, and its operations."""

    here: MatchingHarness
    stub: StubCasework
    served: ServedPart
    address: str

    @property
    def worker(self) -> str:
        return f"lw-{self.here.slug}-5"

    async def read(self) -> None:
        """Reads the published list, a minute later."""
        self.here.clock.now += timedelta(seconds=61)
        await self.here.app.state.published.read(self.here.slug)

    async def met(self) -> str:
        """A person whom the stub's link worker has met."""
        referral = await self.here.refer()
        meeting = await self.here.meeting(referral)
        self.here.clock.now = meeting["starts_at"] + timedelta(hours=1)
        await self.stub.met(referral, meeting["id"])
        await self.here.until(referral, lambda view: view["stage"] == "met")
        return referral


@pytest_asyncio.fixture
async def elsewhere(here: MatchingHarness) -> AsyncIterator[Elsewhere]:
    async def say(event: str, body: dict[str, Any]) -> None:
        await here.say(fact_of(event, body), by=OWNER)

    stub = StubCasework(here.slug, say, now=lambda: here.clock.now)
    served = stub.served()
    async with serving(served.application()) as address:
        table = here.app.state.localities
        table.become(owned_by(table, here.slug, "casework", OWNER, address))
        yield Elsewhere(here, stub, served, address)
        served.away = False


async def test_booking_follows_the_published_link_workers(elsewhere: Elsewhere) -> None:
    here, stub, worker = elsewhere.here, elsewhere.stub, elsewhere.worker
    waiting = new_id()
    stub.employ(worker, PRACTICE)
    await elsewhere.read()
    # Those who were entered here before are not on the owner's list: they have left.
    await here.say(world.created(waiting, locality=here.slug, at=here.clock.now))
    meeting = await here.meeting(waiting)
    assert meeting["link_worker"] == worker
    day = meeting["starts_at"].date()
    stub.away(worker, day, day)
    await elsewhere.read()
    moved = await here.until(waiting, lambda view: view["active"] not in (None, meeting["id"]))
    (cancelled,) = await here.published(o.MeetingCancelled, waiting)
    assert (cancelled["meeting_id"], cancelled["why"]) == (meeting["id"], "link_worker_away")
    assert (await here.meeting(waiting))["starts_at"].date() != day, moved
    await here.no_time_is_held_twice()


async def test_list_that_is_the_same_is_read_by_its_tag(elsewhere: Elsewhere) -> None:
    here, stub = elsewhere.here, elsewhere.stub
    stub.employ(elsewhere.worker, PRACTICE)
    await elsewhere.read()
    row = await here.kernel.mongo[LINK_WORKERS].find_one({"_id": elsewhere.worker})
    await elsewhere.read()
    assert await here.kernel.mongo[LINK_WORKERS].find_one({"_id": elsewhere.worker}) == row
    assert elsewhere.served.names() == ["listLinkWorkers", "listLinkWorkers"]
    await here.app.state.published.read(here.slug)
    assert len(elsewhere.served.asked) == 2, "once a minute is enough"
    stub.link_workers.clear()
    await elsewhere.read()
    assert await here.kernel.mongo[LINK_WORKERS].find_one({"_id": elsewhere.worker}) == row


CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/caseload", None),
    ("GET", "/needs-you", None),
    ("GET", "/referrals/{referral}", None),
    ("POST", "/referrals/{referral}/contacts", {"channel": "phone", "reached": True}),
    ("POST", "/referrals/{referral}/plan", {"goals": [], "note": "A word for the vault"}),
    ("POST", "/referrals/{referral}/close", {"reason": "completed"}),
    ("POST", "/referrals/{referral}/link-worker", {"link_worker": "lw-meir-2"}),
    ("POST", "/referrals/{referral}/cover", {"reason": "away"}),
    ("POST", "/referrals/{referral}/take", None),
    ("GET", "/team/queue", None),
    ("POST", "/meetings/{meeting}/attended", None),
    ("POST", "/link-workers/lw-meir-1/off-sick", None),
)


async def test_change_of_a_case_is_refused_with_its_owner(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, await elsewhere.here.refer()
    before = await here.view(referral)
    meeting = before.story.meetings[0].booked.meeting_id
    for method, path, body in CHANGES:
        at = path.format(referral=referral, meeting=meeting)
        refused = await here.http.request(method, at, json=body, headers=here.link_worker())
        found = refused.json()
        assert (refused.status_code, found["type"]) == (409, "urn:linkwork:problem:not_owner"), (path, found)
        assert (found["part"], found["owner"]) == ("casework", OWNER)
        assert found["address"] == elsewhere.address
    assert await here.view(referral) == before


async def test_name_goes_to_a_service_on_the_owners_record_alone(elsewhere: Elsewhere) -> None:
    here, stub = elsewhere.here, elsewhere.stub
    referral = await elsewhere.met()
    service = await service_of(here)
    of = await stub.prescribe(referral, service, "befriending", may_share=True)
    await here.until(referral, lambda view: view["prescriptions"])
    features, queries = here.app.state.features, here.app.state.features.queries
    token = here.app.state.links.token(here.slug, of, service)
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    assert (await queries.provider.ask(token)).may_reveal
    stub.agreed.clear()
    assert not (await queries.provider.ask(token)).may_reveal, "the bus alone says nothing"
    with pytest.raises(Problem) as refusal:
        await features.provider.send_code(token)
    assert refusal.value.code == "not_agreed"
    elsewhere.served.refuses = (503, "away")
    assert not (await queries.provider.ask(token)).shared
    with pytest.raises(Problem) as refusal:
        await features.provider.send_code(token)
    assert refusal.value.code == "casework_away"


async def test_another_casework_finds_and_reads_our_services(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    service = await service_of(here)
    partner = here.bearer("partner", partner=OWNER, parts=["casework"], scopes="directory:read links:write")
    at = "http://matching/api/contract/v1/directory/services"
    asked = {"locality": here.slug, "need": "befriending", "near": [52.98, -2.1]}
    found = await here.http.post(f"{at}/find", json=asked, headers=partner)
    assert [each["id"] for each in found.json()["services"]] == [service], found.text
    assert found.json()["services"][0]["offered"] is True
    assert "@" not in found.text
    named = {"locality": here.slug, "services": [service, new_id()]}
    read = await here.http.post(f"{at}/read", json=named, headers=partner)
    assert read.json() == found.json()
    asks = await here.http.post(f"{at}/{service}/mailbox?locality={here.slug}", headers=partner)
    assert (asks.status_code, asks.json()) == (200, {"asked": False})
    unknown = await here.http.post(f"{at}/{new_id()}/mailbox?locality={here.slug}", headers=partner)
    assert unknown.status_code == 404
    reader = here.bearer("partner", partner=OWNER, parts=["booking"], scopes="directory:read")
    assert (await here.http.post(f"{at}/find", json=asked, headers=reader)).status_code == 403
    elsewhere_too = {**asked, "locality": "elsewhere"}
    assert (await here.http.post(f"{at}/find", json=elsewhere_too, headers=partner)).status_code == 403
