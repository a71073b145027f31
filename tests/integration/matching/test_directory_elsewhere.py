"""Directory with another owner: casework chooses from it, and links of before work to their end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from services.matching.prescribing.inputs import FirstVisit, ServiceReply
from shared.contract.events import vocabulary as v
from shared.platform.ids import new_id
from shared.platform.localities import OWN_VAULT, Localities, Source
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import MatchingHarness
from tests.harness.pages.serving import serving
from tests.harness.parts.directory import StubDirectory
from tests.harness.parts.elsewhere import fact_of
from tests.harness.parts.operations import ServedPart
from tests.harness.parts.owned import owned_by

OWNER = "directory-stub"


@dataclass
class Elsewhere:
    """Our service, the stub that may own directory, and its operations."""

    here: MatchingHarness
    stub: StubDirectory
    served: ServedPart
    address: str

    def takes_over(self) -> None:
        """The stub owns directory from now on."""
        table = self.here.app.state.localities
        table.become(owned_by(table, self.here.slug, "directory", OWNER, self.address))

    async def met(self) -> str:
        referral = await self.here.refer()
        await self.here.met(referral)
        return referral

    async def prescribe(self, referral: str, service: str, **more: Any) -> Any:
        body = {"service_id": service, "need": "debt"} | more
        return await self.here.post(f"/referrals/{referral}/prescriptions", body, of=self.here.link_worker())


@pytest_asyncio.fixture
async def elsewhere(here: MatchingHarness) -> AsyncIterator[Elsewhere]:
    async def say(event: str, body: dict[str, Any]) -> None:
        await here.say(fact_of(event, body), by=OWNER)

    stub = StubDirectory(here.slug, say)
    served = stub.served()
    async with serving(served.application()) as address:
        yield Elsewhere(here, stub, served, address)


async def test_casework_ranks_and_prescribes_the_owners_services(elsewhere: Elsewhere) -> None:
    here, stub, referral = elsewhere.here, elsewhere.stub, await elsewhere.met()
    elsewhere.takes_over()
    open_ = stub.list_service("Debt desk (example)", "debt", mailbox_confirmed=False, capacity=None)
    full = stub.list_service("Full desk (example)", "debt", capacity="no-capacity")
    closed = stub.list_service("Closed desk (example)", "debt", offered=False)
    stub.list_service("Lunch (example)", "befriending")
    at, by = f"/referrals/{referral}/services", here.link_worker()
    ranked = (await here.http.get(at, params={"need": "debt"}, headers=by)).json()["services"]
    assert ranked[0]["service"]["service"]["id"] == open_
    assert {each["service"]["service"]["id"]: each["suitable"] for each in ranked} == {
        open_: True,
        full: False,
        closed: False,
    }
    asked = elsewhere.served.asked[-1]
    assert set(asked.body) <= {"locality", "need", "near", "limit"}
    assert all(round(each, 2) == each for each in asked.body["near"] or ())
    done = await elsewhere.prescribe(referral, open_)
    assert done.status_code == 201, done.text
    assert stub.asked_mailboxes == [open_]
    caller = Principal("lw-meir-1", "link_worker", frozenset({here.slug}), link_worker="lw-meir-1")
    case = await here.app.state.features.queries.referrals.case(caller, referral)
    assert [each.service for each in case.prescriptions] == ["Debt desk (example)"]
    refused = [await elsewhere.prescribe(referral, each) for each in (closed, new_id())]
    assert [each.json()["type"].rpartition(":")[2] for each in refused] == ["not_offered", "unknown_service"]


async def test_owner_that_is_away_leaves_the_plan_as_it_is(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, await elsewhere.met()
    elsewhere.takes_over()
    service = elsewhere.stub.list_service("Debt desk (example)", "debt")
    assert (await elsewhere.prescribe(referral, service)).status_code == 201
    elsewhere.served.refuses = (503, "away")
    at, by = f"/referrals/{referral}/services", here.link_worker()
    ranked = await here.http.get(at, params={"need": "debt"}, headers=by)
    done = await elsewhere.prescribe(referral, new_id())
    for refused in (ranked, done):
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:linkwork:problem:directory_away")
    caller = Principal("lw-meir-1", "link_worker", frozenset({here.slug}), link_worker="lw-meir-1")
    case = await here.app.state.features.queries.referrals.case(caller, referral)
    assert [each.service for each in case.prescriptions] == [f"A service that {OWNER} lists"]


async def test_our_directory_and_links_change_nothing_there(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    _, of = await prescribed(here)
    elsewhere.takes_over()
    admin, by = here.admin(), here.link_worker()
    reader = here.bearer("service", localities=["*"], scopes="directory:read")
    seen = (await here.http.get("/services", headers=reader)).json()
    answers = [
        await here.http.get("/services", headers=by),
        await here.http.post("/directory/imports?feed=test", content=b"[]", headers=admin),
        await here.http.put(f"/directory/feeds/test/localities/{here.slug}", headers=admin),
        await here.post(f"/services/{new_id()}/places", {"free": True}, of=by),
        await here.post(f"/prescriptions/{of}/link/end", of=by),
    ]
    for refused in answers:
        found = refused.json()
        assert (refused.status_code, found["part"], found["owner"]) == (409, "directory", OWNER), found
    assert seen["contents"] == [], "entries of before are of before"


async def test_answer_on_an_old_link_is_passed_on(elsewhere: Elsewhere) -> None:
    here, stub = elsewhere.here, elsewhere.stub
    referral, of = await prescribed(here)
    link = await here.post(
        f"/prescriptions/{of}/link", of=here.bearer("service", localities=["*"], scopes="links:write")
    )
    token = link.json()["url"].rpartition("/")[2]
    features, queries = here.app.state.features, here.app.state.features.queries
    elsewhere.takes_over()
    with pytest.raises(Problem) as refusal:
        await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    assert refusal.value.code == "unknown_prescription"
    stub.prescribed[of] = referral
    assert await features.provider.answer_link(token, ServiceReply(v.Reply.WAITING_LIST, 6), "k") is None
    view = await here.until(referral, lambda view: view["prescriptions"][0]["status"] == "waiting_list")
    assert view["prescriptions"][0]["id"] == of
    (said,) = [fact for fact in (await here.view(referral)).facts if fact.kind == "provider_replied"]
    assert said.source == f"/{here.slug}/{OWNER}"
    seen = await queries.provider.ask(token)
    assert (seen.answered, seen.passed_on_to, seen.may_reveal) == (v.Reply.WAITING_LIST, OWNER, False)
    await features.provider.visited_link(token, FirstVisit(here.clock.now.date()))
    await here.until(referral, lambda view: view["prescriptions"][0]["status"] == "started")
    with pytest.raises(Problem) as refusal:
        await features.provider.send_code(token)
    assert refusal.value.code == "not_owner"
    elsewhere.served.refuses = (503, "away")
    with pytest.raises(Problem) as refusal:
        await features.provider.places_link(token)
    assert (refusal.value.status_code, refusal.value.code) == (503, "directory_away")
    page = await here.http.get(f"http://matching/s/{token}?done=passed", headers={"accept": "text/html"})
    assert f"{OWNER} has your answer" in page.text


async def test_answer_of_a_former_owners_link_is_ours_to_record(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    referral, of = await prescribed(here)
    service = (await here.view(referral)).story.prescriptions[0].prescribed.service_id
    named = here.app.state.localities
    before = named.numbered(named.version, {})
    source = Source(f"/{here.slug}/{OWNER}", "directory", 45, OWN_VAULT)
    named.become(
        Localities(
            named.name,
            named.hub,
            tuple(replace(each, sources={**each.sources, source.source: source}) for each in named),
            (),
        )
    )
    former = here.bearer("partner", partner=OWNER, parts=["directory"], scopes="links:write")
    at = f"http://matching/api/contract/v1/directory/prescriptions/{of}/answer"
    body = {"locality": here.slug, "service": service, "reply": "accepted"}
    for _ in range(2):
        done = await here.http.post(at, json=body, headers=former | {"idempotency-key": "k"})
        assert (done.status_code, done.json()) == (200, {"prescription_id": of}), done.text
    (said,) = [fact for fact in (await here.view(referral)).facts if fact.kind == "provider_replied"]
    assert said.source == f"/{here.slug}/directory"
    wrong = {**body, "service": new_id()}
    assert (await here.http.post(at, json=wrong, headers=former)).status_code == 404
    late = {"locality": here.slug, "service": service, "visited_on": "2030-01-01"}
    assert (await here.http.post(at, json=late, headers=former)).status_code == 422
    came = late | {"visited_on": here.clock.now.date().isoformat()}
    assert (await here.http.post(at, json=came, headers=former)).status_code == 200
    named.become(before)
    refused = await here.http.post(at, json=body, headers=former)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:linkwork:problem:part")


async def test_notifications_ask_the_owner_for_links(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    _, of = await prescribed(here)
    elsewhere.takes_over()
    mailer = here.bearer("service", localities=["*"], scopes="links:write")
    refused = await here.post(f"/prescriptions/{of}/link?locality={here.slug}", of=mailer)
    assert (refused.status_code, refused.json()["owner"]) == (409, OWNER)
