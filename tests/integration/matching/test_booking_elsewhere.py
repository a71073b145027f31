"""Booking with another owner: we decide nothing, ask the owner, and show what it says."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jws

from services.matching.booking import sweeper
from shared.contract.events import vocabulary as v
from shared.delivery.ownership.flip import stop_deciding
from shared.platform.ids import new_id
from shared.platform.localities import OURS
from shared.platform.web.principal import Principal
from tests.harness.matching import decision_harness as world
from tests.harness.matching.service_harness import PRACTICE, MatchingHarness
from tests.harness.pages.serving import serving
from tests.harness.parts.booking import ROOM, StubBooking
from tests.harness.parts.operations import ServedPart
from tests.harness.parts.owned import body_of, claimed_for, owned_by

OWNER = "booking-stub"


@dataclass
class Elsewhere:
    """Our service, the stub that owns booking, and its operations."""

    here: MatchingHarness
    stub: StubBooking
    served: ServedPart
    address: str

    async def refer(self) -> str:
        """Refers a person whom the stub books, and waits until we know the meeting."""
        referral = new_id()
        await self.here.say(world.created(referral, locality=self.here.slug, at=self.here.clock.now))
        await self.stub.refer(referral, PRACTICE)
        await self.here.meeting(referral)
        return referral

    @contextmanager
    def late_events(self) -> Iterator[None]:
        """The stub's facts arrive after the block only."""
        self.stub.holds = True
        yield
        self.stub.holds = False

    async def post(self, path: str, body: Any = None, key: str | None = None) -> dict[str, Any]:
        done = await self.here.post(path, body, of=self.here.link_worker(), key=key)
        assert done.status_code == 200, done.text
        found: dict[str, Any] = done.json()
        return found


@pytest_asyncio.fixture
async def elsewhere(here: MatchingHarness) -> AsyncIterator[Elsewhere]:
    async def say(event: str, body: dict[str, Any]) -> None:
        await here.say(body_of(event, body), by=OWNER)

    stub = StubBooking(here.slug, "lw-meir-1", say, now=lambda: here.clock.now)
    served = stub.served()
    async with serving(served.application()) as address:
        table = here.app.state.localities
        table.become(owned_by(table, here.slug, "booking", OWNER, address))
        yield Elsewhere(here, stub, served, address)
        served.away = False


async def test_owner_elsewhere_books_and_we_decide_nothing(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, new_id()
    await here.say(world.created(referral, locality=here.slug, at=here.clock.now))
    view = await here.until(referral, lambda view: view["created"])
    assert (view["active"], view["waiting"], view["unaccounted"]) == (None, None, True)
    await sweeper.sweep(here.kernel, await sweeper.sweep(here.kernel, frozenset()))
    await elsewhere.stub.refer(referral, PRACTICE)
    meeting = await here.meeting(referral)
    assert meeting["said_by"] == f"/{here.slug}/{OWNER}"
    assert await here.kernel.mongo["outbox"].count_documents({}) == 0
    assert await here.kernel.mongo["scheduled_tasks"].count_documents({"locality": here.slug}) == 0
    case = await here.http.get(f"/referrals/{referral}", headers=here.link_worker())
    assert case.json()["active"]["booked_by"] == OWNER


async def test_commands_go_to_the_owner_and_its_answer_is_shown(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, await elsewhere.refer()
    first = await here.meeting(referral)
    desk = here.bearer("referrer", practices=[PRACTICE], subject="referrer-m83100")
    offered = (await here.http.get(f"/meetings/{first['id']}/options", headers=desk)).json()["options"]
    assert [each["place"] for each in offered] == [ROOM] * 3
    with elsewhere.late_events():
        moved = await here.post(
            f"/meetings/{first['id']}/another-time", {"slot": offered[1]["key"]}, of=desk, key="k"
        )
    case, said = moved.json()["case"], elsewhere.served.asked[-1]
    assert (case["active"]["starts_at"], case["active"]["booked_by"]) == (offered[1]["starts_at"], OWNER)
    assert (moved.json()["pending"], case["active"]["place"]) == (True, ROOM)
    assert said.body["on_behalf_of"] == "referrer-m83100"
    assert said.key not in (None, "k"), "another user may have the same key"
    await elsewhere.stub.release()
    now = await here.until(referral, lambda view: view["active"] != first["id"])
    done = await elsewhere.post(f"/meetings/{now['active']}/confirmed")
    assert (done["pending"], done["case"]["active"]["provisional"]) == (False, False)
    body = {"by": "person", "why": "unwell"}
    done = await elsewhere.post(f"/meetings/{now['active']}/cancelled", body)
    assert done["case"]["active"]["meeting_id"] != now["active"]
    on = (here.clock.now + timedelta(days=20)).date().isoformat()
    done = await elsewhere.post(f"/referrals/{referral}/later", {"on": on})
    assert (done["case"]["active"], done["case"]["waiting"]) == (None, "asked_later")
    times = await here.http.get(f"/referrals/{referral}/options", headers=here.link_worker())
    slot = times.json()["options"][0]
    done = await elsewhere.post(f"/referrals/{referral}/book", {"slot": slot["key"]})
    assert done["case"]["active"]["starts_at"] == slot["starts_at"]
    said_by = {fact.source.rpartition("/")[2] for fact in (await here.view(referral)).facts}
    assert said_by == {"referral", OWNER}


async def test_token_for_the_owner_does_not_open_our_services(elsewhere: Elsewhere) -> None:
    meeting = await elsewhere.here.meeting(await elsewhere.refer())
    await elsewhere.here.http.get(f"/meetings/{meeting['id']}/options", headers=elsewhere.here.link_worker())
    claims = jws.extract_compact(elsewhere.served.asked[-1].token.encode()).payload
    assert f'"aud":"{elsewhere.address}"'.encode() in claims.replace(b'": "', b'":"')


async def test_same_key_is_done_once_for_each_user(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    meetings = [await here.meeting(await elsewhere.refer()) for _ in range(2)]
    path = f"/meetings/{meetings[0]['id']}/another-time"
    first = await elsewhere.post(path, {}, key="same")
    again = await elsewhere.post(path, {}, key="same")
    assert again["case"]["active"] == first["case"]["active"]
    desk = here.bearer("referrer", practices=[PRACTICE], subject="another")
    other = await here.post(f"/meetings/{meetings[1]['id']}/another-time", {}, of=desk, key="same")
    assert other.status_code == 200
    used = await here.post(f"/meetings/{meetings[1]['id']}/another-time", {}, of=desk, key="same")
    assert used.json()["case"]["active"] == other.json()["case"]["active"]


@pytest.mark.parametrize(
    ("refuses", "status", "code"),
    [
        ((409, "slot_taken"), 409, "slot_taken"),
        ((409, "case_ended"), 409, "case_ended"),
        ((422, "later_date"), 422, "later_date"),
        ((404, "unknown_case"), 409, "unknown_case"),
        ((409, "not_owner"), 503, "booking_away"),
        ((403, "scope"), 503, "booking_away"),
        ((503, "away"), 503, "booking_away"),
    ],
)
async def test_refusals_of_the_owner_are_said_in_our_words(
    elsewhere: Elsewhere, refuses: tuple[int, str], status: int, code: str
) -> None:
    here, meeting = elsewhere.here, await elsewhere.here.meeting(await elsewhere.refer())
    elsewhere.served.refuses = refuses
    on = {"on": (here.clock.now + timedelta(days=20)).date().isoformat()}
    referral = next(iter(elsewhere.stub.stories))
    path, body = (
        (f"/referrals/{referral}/later", on)
        if code == "later_date"
        else (f"/meetings/{meeting['id']}/another-time", {})
    )
    refused = await here.post(path, body, of=here.link_worker())
    assert (refused.status_code, refused.json()["type"]) == (status, f"urn:linkwork:problem:{code}")
    assert "Refused" not in refused.text


async def test_owner_that_is_away_or_offers_less_is_said(elsewhere: Elsewhere) -> None:
    here, meeting = elsewhere.here, await elsewhere.here.meeting(await elsewhere.refer())
    elsewhere.served.offered = frozenset({"listOtherTimes"})
    refused = await here.post(f"/meetings/{meeting['id']}/confirmed", of=here.link_worker())
    assert (refused.status_code, refused.json()["owner"]) == (409, OWNER)
    assert refused.json()["address"] == elsewhere.address
    elsewhere.served.away = True
    away = await here.http.get(f"/meetings/{meeting['id']}/options", headers=here.link_worker())
    assert (away.status_code, away.json()["type"]) == (503, "urn:linkwork:problem:booking_away")
    assert OWNER in away.json()["detail"]


async def test_diary_and_other_parts_are_told_the_owner(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    diary = await here.http.get("/diary", headers=here.link_worker())
    service = here.bearer("service", localities=["*"], scopes="capacity:read", subject="linkwork-evaluation")
    at = "http://matching/api/contract/v1/booking/capacity"
    capacity = await here.http.get(at, params={"locality": here.slug}, headers=service)
    for refused in (diary, capacity):
        found = refused.json()
        assert (refused.status_code, found["part"], found["owner"]) == (409, "booking", OWNER)


async def test_roster_and_casework_leave_meetings_to_the_owner(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, await elsewhere.refer()
    meeting, by = await here.meeting(referral), here.link_worker()
    day = meeting["starts_at"].date().isoformat()
    away = await here.post("/link-workers/lw-meir-1/leave", {"first": day, "last": day}, of=by)
    assert (away.status_code, away.json()) == (200, {"to_ring": []})
    await here.put_worker("lw-meir-2")
    handed = await here.post(f"/referrals/{referral}/link-worker", {"link_worker": "lw-meir-2"}, of=by)
    assert [each["kind"] for each in handed.json()["said"]] == ["link_worker_changed"]
    assert (await here.meeting(referral))["id"] == meeting["id"]
    closing = {"reason": v.CloseReason.NO_LONGER_WANTS.value}
    closed = await here.post(f"/referrals/{referral}/close", closing, of=here.link_worker("lw-meir-2"))
    assert [each["kind"] for each in closed.json()["said"]] == ["referral_closed"]
    path, to = f"/referrals/{referral}/reopen", here.link_worker("lw-meir-2")
    chosen = await here.post(path, {"slot": "lw-meir-2|2026-11-30T09:00Z"}, of=to)
    assert (chosen.status_code, chosen.json()["owner"]) == (409, OWNER)
    assert (await here.post(path, {}, of=to)).status_code == 200


async def test_our_earlier_cancellation_cannot_be_undone(here: MatchingHarness) -> None:
    referral = await here.refer()
    meeting = await here.meeting(referral)
    body = {"by": "person", "why": "unwell"}
    done = await here.post(f"/meetings/{meeting['id']}/cancelled", body, of=here.link_worker())
    assert [each["undo"] for each in done.json()["said"] if each["kind"] == "meeting_cancelled"] == [True]
    table = here.app.state.localities
    table.become(owned_by(table, here.slug, "booking", OWNER, None))
    caller = Principal("lw-meir-1", "link_worker", frozenset({here.slug}), link_worker="lw-meir-1")
    case = await here.app.state.features.queries.referrals.case(caller, referral)
    assert {each.kind: each.undo for each in case.history}["meeting_cancelled"] is False


async def test_between_two_owners_nothing_is_offered_nor_done(here: MatchingHarness) -> None:
    meeting = await here.meeting(await here.refer())
    await stop_deciding(here.kernel.mongo, here.slug, "booking", 0)
    refused = await here.post(f"/meetings/{meeting['id']}/confirmed", of=here.link_worker())
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:linkwork:problem:away")
    assert "handed over" in refused.json()["detail"]
    offer = await here.app.state.features.queries.booking.offer(here.slug)
    assert (offer.changing_hands, offer.owner, offer.offered) == (True, None, frozenset())


async def test_owner_that_gives_booking_back_is_asked_nothing(here: MatchingHarness) -> None:
    table = here.app.state.localities
    table.become(owned_by(table, here.slug, "booking", OWNER, None))
    table.become(claimed_for(table, here.slug, "booking", OURS))
    offer = await here.app.state.features.queries.booking.offer(here.slug)
    assert (offer.changing_hands, offer.offered) == (True, frozenset())
