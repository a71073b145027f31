"""`examples/booking-js`: a partner's booking by the contract alone, killed, repeated to, and given back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from deploy.local.assets import node
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from shared.contract.events.outcomes import LinkWorkerChanged, MeetingMissed, PersonErased
from shared.contract.events.topics import event_topics
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.referral.admission import heard
from tests.harness.referral.booking_js import NAME, BookingJs, Record, booking_js, installed, link_worker
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import running_referral
from tests.harness.web.issuer import LoopbackIssuer


@pytest_asyncio.fixture(scope="module")
async def example(tmp_path_factory: Any) -> Path:
    return await installed(tmp_path_factory.mktemp("installed"))


@pytest_asyncio.fixture(scope="module")
async def part(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, example: Path, tmp_path_factory: Any
) -> AsyncIterator[BookingJs]:
    """The part, which owns booking of its locality as of epoch 1."""
    folder = tmp_path_factory.mktemp("booking")
    more: dict[str, Any] = {"session_timeout_ms": 3000, "booking_wait_seconds": 0.5}
    async with (
        running_referral(folder, issuer, kafka, mongo_url, brings=NAME, **more) as referral,
        booking_js(referral, example, folder) as made,
    ):
        await made.start()
        await made.hand_over(NAME, 1)
        yield made


async def refer(part: BookingJs, **different: Any) -> str:
    return await part.referral.made(referral_body(**different))


def about(facts: list[Record], *referrals: str) -> list[Record]:
    """The facts of these referrals, in the order in which they were said: topics have none among them."""
    found = [fact for fact in facts if fact["referral_id"] in referrals]
    return sorted(found, key=lambda fact: str(fact["id"]))


async def booked(part: BookingJs, *referrals: str) -> list[Record]:
    """The meetings of these referrals, once each has one, without another word about them."""

    def each_has_one(facts: list[Record]) -> bool:
        return {fact["referral_id"] for fact in about(facts, *referrals)} == set(referrals)

    found = about(await part.facts(each_has_one), *referrals)
    assert [fact["kind"] for fact in found] == ["meeting_booked"] * len(referrals)
    return found


def test_part_answers_stories_and_says_nothing_twice(example: Path) -> None:
    ran = subprocess.run(
        [node(example), "check.mjs"], cwd=example, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith(", failed 0\n")


def test_part_has_under_500_lines(example: Path) -> None:
    files = [path for path in example.glob("*.mjs") if path.name != "check.mjs"]
    assert sum(len(path.read_text().splitlines()) for path in files) < 500


async def test_referrals_get_meetings_that_never_overlap(part: BookingJs) -> None:
    made = [await refer(part) for _ in range(6)]
    meetings = await booked(part, *made)
    assert {(each["sequence"], each["provisional"]) for each in meetings} == {(0, True)}
    assert len({(each["link_worker"], each["starts_at"]) for each in meetings}) == len(meetings)
    assert {each["starts_at"] > system_clock().isoformat() for each in meetings} == {True}


async def test_kill_loses_and_doubles_nothing(part: BookingJs) -> None:
    before = [await refer(part) for _ in range(5)]
    await part.kill()  # Some are decided, some are published, some are not heard.
    during = [await refer(part) for _ in range(2)]
    await part.start()
    await booked(part, *before, *during)


async def test_repeats_of_facts_say_nothing(part: BookingJs) -> None:
    referral = await refer(part)
    await booked(part, referral)
    topics = event_topics(part.referral.here)
    key = referral.encode()
    for record in await heard(part.referral.kafka, topics, 2, 10, lambda each: each.key == key):
        await part.referral.producer.send_and_wait(
            record.topic, record.value, key=record.key, headers=list(record.headers)
        )
    await booked(part, await refer(part), referral)


async def test_erased_persons_meeting_is_cancelled(part: BookingJs) -> None:
    referral = await refer(part)
    (meeting,) = await booked(part, referral)
    await part.referral.say(
        PersonErased(referral_id=referral, locality=part.referral.here, person_ref=new_id()), by="referral"
    )
    facts = await part.facts(lambda found: len(about(found, referral)) == 2)
    cancelled = about(facts, referral)[1]
    assert (cancelled["kind"], cancelled["meeting_id"]) == ("meeting_cancelled", meeting["meeting_id"])
    assert (cancelled["by"], cancelled["why"]) == ("programme", "referral_ended")


async def test_two_misses_are_left_to_the_link_worker(part: BookingJs) -> None:
    referral = await refer(part)
    meetings: list[Record] = []
    for count in (1, 2):
        facts = await part.facts(lambda found, n=count: len(about(found, referral)) == n)  # type: ignore[misc]
        meetings.append(about(facts, referral)[-1])
        missed = MeetingMissed(
            referral_id=referral, locality=part.referral.here, meeting_id=meetings[-1]["meeting_id"]
        )
        await part.referral.say(missed, by="casework")
    assert [each["sequence"] for each in meetings] == [0, 1]
    assert meetings[1]["replaces"] == meetings[0]["meeting_id"]
    facts = await part.facts(lambda found: len(about(found, referral)) == 3)
    assert about(facts, referral)[2]["reason"] == "person_not_reached"


async def test_case_handed_over_moves_with_its_meeting(part: BookingJs) -> None:
    referral = await refer(part)
    (meeting,) = await booked(part, referral)
    other = f"lw-{part.referral.here}-{2 if meeting['link_worker'].endswith('-1') else 1}"
    await part.referral.say(
        LinkWorkerChanged(referral_id=referral, locality=part.referral.here, link_worker=other), by="casework"
    )
    facts = await part.facts(lambda found: len(about(found, referral)) == 3)
    _, cancelled, moved = about(facts, referral)
    assert (cancelled["by"], cancelled["why"]) == ("link_worker", "link_worker_away")
    assert (moved["link_worker"], moved["sequence"]) == (other, 1)


async def test_operations_move_confirm_and_cancel_once(part: BookingJs) -> None:
    here = part.referral.here
    referral = await refer(part)
    (meeting,) = await booked(part, referral)
    old = meeting["meeting_id"]
    base = {"locality": here, "on_behalf_of": "lw-1"}
    times = (await part.ask("GET", f"meetings/{old}/options", params={"locality": here, "count": 2})).json()
    assert len(times["options"]) == 2
    chosen = times["options"][1]
    body, key = {**base, "slot": chosen["key"]}, new_id()
    moved = await part.ask("POST", f"meetings/{old}/another-time", json=body, key=key)
    again = await part.ask("POST", f"meetings/{old}/another-time", json=body, key=key)
    assert (moved.status_code, again.json()) == (200, moved.json())
    now = moved.json()["meeting"]
    assert (now["starts_at"], now["link_worker"]) == (chosen["starts_at"], chosen["link_worker"])
    assert (now["provisional"], now["sequence"]) == (False, 1)
    other = await part.ask("POST", f"meetings/{old}/another-time", json=base, key=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:linkwork:problem:idempotency_key")
    gone = await part.ask("POST", f"meetings/{old}/confirmed", json=base)
    assert (gone.status_code, gone.json()["type"]) == (409, "urn:linkwork:problem:meeting_not_standing")
    place = await part.ask("GET", f"meetings/{now['meeting_id']}/place", params={"locality": here})
    assert place.json()["place"] == f"Room {now['link_worker'][-1]}"
    after = await part.ask(
        "POST", f"meetings/{now['meeting_id']}/cancelled", json={**base, "by": "person", "why": "unwell"}
    )
    assert after.json()["meeting"]["sequence"] == 2
    later = await part.ask("POST", f"referrals/{referral}/later", json={**base, "on": _in_days(30)})
    assert later.json() == {
        "referral_id": referral, "meeting": None, "waiting": "asked_later", "expected_by": _in_days(30),
    }  # fmt: skip
    facts = await part.facts(lambda found: len(about(found, referral)) == 6)
    assert [fact["kind"] for fact in about(facts, referral)].count("meeting_booked") == 3


async def test_operations_refuse_what_the_contract_refuses(part: BookingJs) -> None:
    here = part.referral.here
    asked = {"locality": here}

    def code(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    assert code(await part.ask("GET", f"meetings/{new_id()}/options", params=asked)) == (
        404,
        "unknown_case",
    )
    assert code(await part.ask("GET", "capacity", params={"locality": "nowhere"})) == (
        404,
        "unknown_case",
    )
    assert code(await part.ask("GET", "capacity", params={**asked, "weeks": 9})) == (422, "invalid")
    refused = await part.ask("POST", f"referrals/{new_id()}/book", json={"locality": here})
    assert code(refused) == (422, "invalid")
    other = await part.ask("GET", "capacity", params=asked, scopes="meetings:read")
    assert code(other) == (403, "scope")
    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{part.port}/api/contract/v1/booking/capacity?locality={here}"
        assert code(await client.get(url)) == (401, "no_token")
        assert code(await client.get(url, headers={"authorization": "Bearer x"})) == (
            401,
            "invalid_token",
        )
    capacity = (await part.ask("GET", "capacity", params={**asked, "weeks": 2})).json()
    assert len(capacity["weeks"]) == 2
    assert 0 < capacity["weeks"][1]["free"] <= capacity["weeks"][1]["times"]


async def test_given_back_part_is_silent_and_looks_when_it_returns(part: BookingJs) -> None:
    referral = await refer(part)
    (meeting,) = await booked(part, referral)
    part.table(NAME, 1, to="linkwork")
    async with asyncio.timeout(20):
        while (await part.inbox())[-1][0] != "org.linkwork.inbox-end.v1":
            await asyncio.sleep(0.1)
    assert (await part.inbox())[-1][1] == {"locality": part.referral.here, "part": "booking", "epoch": 1}
    await part.hand_over("linkwork", 2)
    answer = await part.ask("GET", "capacity", params={"locality": part.referral.here})
    async with asyncio.timeout(20):  # The table is asked every two seconds.
        while answer.status_code != 409:
            answer = await part.ask("GET", "capacity", params={"locality": part.referral.here})
    assert answer.json().items() >= {"type": "urn:linkwork:problem:not_owner", "owner": "linkwork"}.items()

    # Linkwork books one referral, and moves the meeting of another. A third stays open.
    mine, opened = await refer(part), await refer(part)
    starts = system_clock().replace(hour=9, minute=0, second=0, microsecond=0)
    theirs = MeetingBooked(
        referral_id=mine, locality=part.referral.here, meeting_id=new_id(), sequence=0,
        link_worker=f"lw-{part.referral.here}-1", practice="M83100", starts_at=starts, minutes=45,
        mode=v.MeetingMode.FACE_TO_FACE, provisional=True,
    )  # fmt: skip
    await part.referral.say(theirs, by="booking")
    silent = len(await part.inbox())
    part.linkwork.workers = [
        link_worker(part.referral.here, number, leave=((meeting["starts_at"][:10],) * 2,))
        for number in (1, 2)
    ]
    await part.kill()
    await part.hand_over(NAME, 3)
    await part.start()
    await booked(part, opened)
    # The link workers are away on the day of the meeting: it is cancelled and booked on another.
    facts = about(await part.facts(lambda found: len(about(found, referral)) == 3), referral)
    assert sorted(fact["kind"] for fact in facts) == ["meeting_booked", "meeting_booked", "meeting_cancelled"]
    assert not about(await part.facts(bool), mine)
    assert len(await part.inbox()) > silent


def _in_days(days: int) -> str:
    return (system_clock() + timedelta(days=days)).date().isoformat()
