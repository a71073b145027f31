"""`linkwork hand-over` on a real broker with rights: there and back, through deaths at each step."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import TopicAuthorizationFailedError

from linkwork.errors import CommandError
from linkwork.hand_over import doing
from linkwork.hand_over.journal import HAND_OVERS, Journal
from linkwork.hand_over.steps import Step
from services.referral.partners.inbox_ends import ended_epoch
from shared.contract.events.topics import event_topics, topic
from shared.delivery.kafka.topics import PARTITIONS
from shared.delivery.mongo.leases import Leases
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.ownership.flip import ownership_of
from shared.delivery.rebuild.generations import REBUILD_LEASE
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.access.handing_over import JS, OURS, Programme, booking, programme
from tests.harness.delivery.toy import TOY, book
from tests.harness.referral.admission import heard

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOOKING = replace(TOY, look=book)
THERE: tuple[Step, ...] = ("claim", "stop", "mark", "give", "raise")
BACK: tuple[Step, ...] = ("claim", "withdraw", "mark", "raise")
PASSED: dict[str, Any] = {
    "contract": "1",
    "part": "booking",
    "owner": JS,
    "passed": True,
    "not_tried": [],
}
FORCED: tuple[Step, ...] = ("claim", "withdraw", "end", "mark", "raise")


@pytest_asyncio.fixture(loop_scope="module")
async def here(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Programme]:
    async with programme(kafka, mongo_url) as made:
        yield made


async def meetings_of(here: Programme, referral: str, count: int = 1) -> int:
    """Meetings of a referral in the log, once there are so many."""
    found = await heard(
        here.kafka, [topic(here.here, "meeting-booked")], count, 10.0, lambda r: r.key == referral.encode()
    )
    return len(found)


def every_partition(here: Programme, epoch: int, owner: str) -> set[tuple[str, int, int, str]]:
    return {(name, at, epoch, owner) for name in event_topics(here.here) for at in range(PARTITIONS)}


async def test_part_goes_to_a_partner_and_comes_back(here: Programme) -> None:
    async with booking(here, LOOKING) as kernel, here.partner():
        first = await here.refer()
        assert await meetings_of(here, first) == 1
        assert await here.run() == 0
        assert await here.owner() == (JS, 1, None)
        assert set(await here.markers(9)) == every_partition(here, 1, JS)
        assert await here.may_write()
        assert not (await ownership_of(here.matching, here.here))["booking"].decides
        second = await here.refer()
        event = here.waiting(second)
        await here.write(event)
        assert await here.copies(1) == [event.id]

        assert await here.back() == 0
        assert await here.owner() == (OURS, 2, None)
        assert set(await here.markers(18)) == every_partition(here, 1, JS) | every_partition(here, 2, OURS)
        assert await ended_epoch(here.referral, here.source()) == 1
        standing = (await ownership_of(here.matching, here.here))["booking"]
        assert (standing.epoch, standing.decides) == (2, True)
        # Our part looks at what the partner left open, and at nothing twice.
        assert await meetings_of(here, second) == 1
        assert await meetings_of(here, first, 2) == 1
        third = await here.refer()
        assert await meetings_of(here, third) == 1
        assert kernel.live()
        with pytest.raises(TopicAuthorizationFailedError):
            await here.write(here.waiting())
        # By http, or with rights that somebody gave by hand, it is refused too, and told.
        await here.write(here.waiting(), as_user=False)
        assert await here.refusals(1) == ["not_owner"]
    about = {(row["what"], row["by"], row["why"]) async for row in here.matching[OPERATIONS].find({})}
    assert about == {(f"hand-over: {step}", "ada", "a test") for step in {*THERE, *BACK}}
    rows = {row["_id"]: row async for row in here.matching[HAND_OVERS].find({})}
    assert set(rows) == {f"{here.here}/booking/1", f"{here.here}/booking/2"}
    assert set(rows[f"{here.here}/booking/1"]["steps"]) == set(THERE)


async def test_command_that_ends_after_each_step_goes_on(here: Programme) -> None:
    async with booking(here, LOOKING), here.partner():
        referral = await here.refer()
        for step in THERE:
            assert await here.run("--until", step) == 1, step
        assert await here.run() == 0
        assert await here.owner() == (JS, 1, None)
        for step in BACK:
            assert await here.back("--until", step) == 1, step
        assert await here.back() == 0
        assert await here.owner() == (OURS, 2, None)
        assert await meetings_of(here, referral, 2) == 1


class Killed(BaseException):
    """The end of a process in the middle of its work."""


async def test_command_that_dies_before_it_notes_a_step_goes_on(
    here: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies_at: set[str] = set()
    noted = Journal.done

    async def dying(self: Journal, epoch: int, claim: Any, step: str, *, forced: bool = False) -> None:
        if step in dies_at:
            dies_at.discard(step)
            raise Killed
        await noted(self, epoch, claim, step, forced=forced)

    monkeypatch.setattr(Journal, "done", dying)
    # No partner runs: it would end its inbox before the operator does.
    async with booking(here, LOOKING):
        referral = await here.refer()
        for step in THERE:
            dies_at.add(step)
            with pytest.raises(Killed):
                await here.run()
        assert await here.run() == 0
        assert await here.owner() == (JS, 1, None)
        for step in FORCED:
            dies_at.add(step)
            with pytest.raises(Killed):
                await here.back("--forced")
        assert await here.back("--forced") == 0
        assert await here.owner() == (OURS, 2, None)
        assert await meetings_of(here, referral, 2) == 1


async def test_two_localities_are_handed_over_side_by_side(here: Programme) -> None:
    async with booking(here), here.partner():
        assert await asyncio.gather(*(here.run(slug=slug) for slug in here.slugs)) == [0, 0]
        assert [await here.owner(slug) for slug in here.slugs] == [(JS, 1, None)] * 2
        assert await asyncio.gather(*(here.back(slug=slug) for slug in here.slugs)) == [0, 0]
        assert [await here.owner(slug) for slug in here.slugs] == [(OURS, 2, None)] * 2


async def test_forced_back_needs_no_partner(here: Programme, capsys: pytest.CaptureFixture[str]) -> None:
    async with booking(here, LOOKING):
        assert await here.run() == 0
        event = here.waiting()
        await here.write(event)
        assert await here.copies(1) == [event.id]
        capsys.readouterr()
        assert await here.back("--wait", "2") == 1
        said = capsys.readouterr()
        assert "it waits at partners_end since" in said.err
        assert f"{JS} has not ended in.{here.here}.{JS}" in said.err
        assert await here.command("status", here.here, "booking", "--json") == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["owner"], row["epoch"], row["to"], row["next"]) == (JS, 1, OURS, "partners_end")
        assert await here.may_write()
        begun = asyncio.get_running_loop().time()
        assert await here.back("--forced") == 0
        assert asyncio.get_running_loop().time() - begun < 60
        assert await here.owner() == (OURS, 2, None)
        assert not await here.may_write()
        await here.write(here.waiting(), as_user=False)
        assert await here.refusals(1) == ["not_owner"]
        assert await here.copies(1, here.here) == [event.id]


async def test_hand_over_is_undone_before_its_first_marker(here: Programme) -> None:
    async with booking(here, LOOKING), here.partner():
        assert await here.run("--until", "stop") == 1
        assert not (await ownership_of(here.matching, here.here))["booking"].decides
        meanwhile = await here.refer()
        assert await here.back() == 0
        assert await here.owner() == (OURS, 0, None)
        assert await meetings_of(here, meanwhile) == 1
        assert await here.markers(1) == []
        # Again, and behind the markers `back` finishes it first.
        assert await here.run("--until", "mark") == 1
        assert await here.back() == 0
        assert await here.owner() == (OURS, 2, None)


async def test_undo_that_died_is_finished_before_anything_else(
    here: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> None:
        raise Killed

    async with booking(here):
        assert await here.run("--until", "stop") == 1
        with monkeypatch.context() as patched:
            patched.setattr(doing, "decides_again", dies)
            with pytest.raises(Killed):
                await here.back()
        with pytest.raises(CommandError, match=f"finish it first, with `linkwork hand-over back {here.here}"):
            await here.run()
        assert await here.back() == 0
        assert await here.owner() == (OURS, 0, None)
        assert (await ownership_of(here.matching, here.here))["booking"].decides


async def test_claim_is_refused_while_the_service_is_rebuilt(here: Programme) -> None:
    leases = Leases(here.matching, "a rebuild", 20.0)
    assert await leases.take(REBUILD_LEASE)
    try:
        with pytest.raises(CommandError, match="matching is being rebuilt: nothing was changed"):
            await here.run()
    finally:
        await leases.release()
    assert await here.owner() == (OURS, 0, None)


async def test_plan_says_what_will_happen(
    here: Programme, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(PASSED))
    words = ["plan", here.here, "booking", "--to", JS, "--report", str(report)]
    assert await here.command(*words, "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["owner"], plan["to"], plan["epoch"], plan["open_referrals"]) == (OURS, JS, 1, 0)
    assert plan["rights"] == [f"+ {here.here}.{JS} write topic in.{here.here}.{JS}"]
    assert plan["report"] == "passed, by contract 1"
    assert any("does it follow the three topics?" in each for each in plan["warnings"])
    assert any("http://127.0.0.1:9 does not answer" in each for each in plan["warnings"])
    topics, group = event_topics(here.here), f"{here.here}.{JS}.booking"
    follower = AIOKafkaConsumer(
        *topics, **here.kafka.client_arguments(), group_id=group, enable_auto_commit=False
    )
    async with follower:
        await follower.getmany(timeout_ms=100)
        assert await here.command(*words) == 0
    said = capsys.readouterr().out
    assert f"booking of {here.here}: {OURS} -> {JS}, in epoch 1" in said
    assert f"{group}, which commits no offsets" in said
    assert "does it follow the three topics?" not in said
    assert await here.owner() == (OURS, 0, None)


async def test_report_that_is_asked_for_has_to_have_passed(here: Programme, tmp_path: Any) -> None:
    report = tmp_path / "report.json"
    for content, sentence in (
        (PASSED | {"contract": "0.9.0"}, "is of contract 0.9.0, and this is "),
        (PASSED | {"passed": False}, "booking has not passed, by contract 1"),
        (PASSED | {"part": "casework"}, "the report is about casework"),
        (PASSED | {"owner": "another"}, f"the report is about another, and booking goes to {JS}"),
        ({"passed": True}, "is no report: it needs"),
        ({"contract": "1", "part": "booking", "passed": True}, "is no report: it needs .* not_tried"),
        (
            PASSED | {"not_tried": ["OWN-1", "OWN-3"]},
            r"Nothing was changed: .* 2 clauses were not tried \(OWN-1, OWN-3\)\. .* --accept-not-tried",
        ),
    ):
        report.write_text(json.dumps(content))
        with pytest.raises(CommandError, match=sentence):
            await here.run("--report", str(report))
    strict = replace(here, config=replace(here.config, needs_report=True))
    with pytest.raises(CommandError, match="no report of the conformance kit was given"):
        await strict.run()
    assert await here.owner() == (OURS, 0, None)
    report.write_text(json.dumps(PASSED | {"not_tried": ["OWN-1"]}))
    assert await strict.run("--report", str(report), "--accept-not-tried", "--until", "claim") == 1
    assert (await here.owner())[:2] == (OURS, 0)


async def test_wrong_names_are_refused(here: Programme) -> None:
    for words, sentence in (
        (("run", "nowhere", "booking", "--to", JS, "--why", "x"), "There is no locality nowhere"),
        (
            ("run", here.here, "casework", "--to", JS, "--why", "x"),
            "no source of .* whose part is casework",
        ),
        (("run", here.here, "booking", "--to", "other", "--why", "x"), f"There are: {JS}"),
    ):
        with pytest.raises(CommandError, match=sentence):
            await here.command(*words)
