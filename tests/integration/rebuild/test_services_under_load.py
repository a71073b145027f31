"""Rebuilds of all four services while they decide, book and send: nothing lost, nothing done twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bson import CodecOptions, decode, encode

from chaos.case import Case as Counted
from chaos.evidence import Evidence
from chaos.messages import repeated
from chaos.reconcile import reconcile
from linkwork.service_definitions import MAKERS
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.topics import PARTS, Part
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.rebuild.town import Ended, Town
from tests.harness.rebuild.town import town as started

pytestmark = pytest.mark.long


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with started(tmp_path) as made:
        yield made


async def test_nothing_is_lost_or_done_twice(town: Town) -> None:
    async with town.busy():
        await asyncio.sleep(1)
        there = await asyncio.gather(*(town.rebuild(part) for part in PARTS))
        back = await asyncio.gather(*(town.rebuild(part, "--back") for part in PARTS))
        await asyncio.sleep(1)
    evidence = await town.at_rest()

    for ended in (*there, *back):
        assert ended.code == 0, ended
        assert asked_while_closed(town, evidence, ended)
    assert [ended.report["live"] for ended in (*there, *back)] == [2] * len(PARTS) + [1] * len(PARTS)
    assert set(town.cancelled) == {200}
    assert reconcile(evidence) == []
    assert repeated(evidence) == {}, "somebody was told twice"
    one_meeting_for_whom_nothing_happened_to(evidence)
    for part in PARTS:
        assert await views(town, part) == folded_from_scratch(part, evidence)


def asked_while_closed(town: Town, evidence: Evidence, ended: Ended) -> int:
    """The number of requests to the service between closing and opening."""
    first, last = ended.closed
    moments = [*evidence.said.values(), *(post.sent for post in town.practices.posts)]
    return sum(first < moment < last for moment in moments)


def one_meeting_for_whom_nothing_happened_to(evidence: Evidence) -> None:
    """Each person who was only referred has the one meeting that was found."""
    found = 0
    for account in Counted(evidence).accounts.values():
        nothing = set(account.outcomes) <= {"referral-created", "meeting-booked"}
        if nothing and all(meeting.ours for meeting in account.meetings):
            found += 1
            assert [meeting.status for meeting in account.meetings] == ["booked"], account.referral
    assert found > 20


async def views(town: Town, part: Part) -> dict[str, Any]:
    """The facts and the view of each referral, as the service has them after the way back."""
    found = town.stack.mongo[f"linkwork_{part}"][REFERRALS].find({})
    return {
        row["_id"]: ({(fact["s"], fact["i"]) for fact in row["facts"]}, row["view"]) async for row in found
    }


def folded_from_scratch(part: Part, evidence: Evidence) -> dict[str, Any]:
    """The same, of the log alone."""
    made = MAKERS[part](LOCALITIES_FILE).part
    cases: dict[str, ReferralAggregate[Any, Any]] = {}
    for entry in evidence.log:
        event = read(entry.topic, entry.key, entry.value, entry.headers)
        assert isinstance(event, Envelope)
        body = event.body
        identity = aggregate_id(body.locality, body.referral_id)
        case = cases.setdefault(identity, ReferralAggregate(made, body.locality, body.referral_id))
        case.append(ReceivedEvent.of(event))
    aware = CodecOptions[dict[str, Any]](tz_aware=True)
    return {
        identity: (set(map(tuple, case.known)), decode(encode(case.document), aware))
        for identity, case in cases.items()
    }
