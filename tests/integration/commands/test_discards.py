"""Dead letters on a real broker and database: discarded."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from linkwork.dead_letter_decisions import LetterDecisions
from linkwork.dead_letter_log import read_letters
from linkwork.errors import CommandError
from linkwork.output import format_time
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.letters import Mended, broken, operations, until
from tests.harness.delivery.toy import TOY, Bench, created, said
from tests.integration.commands.conftest import Console


async def test_waiting_letter_discarded_is_not_taken(place: Bench, letters: Console) -> None:
    mended = Mended()
    first = place.kernel(replace(TOY, fold=mended))
    async with first.running():
        event = await broken(place)
    waiting = await letters("replay", "--why", "soon", "--wait", "0")
    assert (waiting.code, "waiting" in waiting.out) == (1, True)
    assert (await letters("discard", "--why", "a mistake of theirs")).code == 0

    mended.faulty = False
    second = place.kernel(replace(TOY, fold=mended))
    async with second.running():
        await second.wait_for(place.locality, event.body.referral_id, lambda _: True, 2.5)
        assert await second.view(place.locality, event.body.referral_id) is None
        assert json.loads((await letters("list", "--json")).out)[0]["state"] == "discarded"
        assert (await letters("list", "--state", "new")).out == "No dead letter is like that.\n"
        assert [row["what"] for row in await operations(second)] == [
            "dead letter replay asked",
            "dead letter discarded",
        ]


async def test_many_are_taken_only_where_many_are_meant(place: Bench, letters: Console) -> None:
    async with place.kernel(replace(TOY, fold=Mended())).running():
        for value in (b"{", b"", b"[]"):
            event = said(created(place.locality))
            key = event.body.referral_id.encode()
            await place.producer.send_and_wait(event.topic(), value, key=key, headers=event.headers())
        await place.dead_letters(3)
        with pytest.raises(CommandError, match="3 letters are like that"):
            await letters("discard", "--why", "theirs")
        with pytest.raises(CommandError, match="No dead letter is like that"):
            await letters("discard", "--reason", "too_large", "--why", "theirs")
        assert (await letters("discard", "--reason", "bad_json", "--why", "theirs")).code == 0
        assert (await letters("discard", "--yes", "--why", "theirs")).code == 0
        assert (await letters("list", "--until", "1h")).out == "No dead letter is like that.\n"
        listed = await letters("list", "--since", "1h")
        assert listed.out.count("discarded") == 3


async def test_discarded_letter_is_not_replayed_with_the_others(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        await broken(place)
        await broken(place)
        await place.dead_letters(2)
        first, second = json.loads((await letters("list", "--json")).out)
        assert (await letters("discard", first["letter"], "--why", "a mistake of theirs")).code == 0
        mended.faulty = False

        done = await letters("replay", "--reason", "handler_failed", "--yes", "--why", "the fault is mended")

        assert first["letter"] not in done.out
        states = {row["letter"]: row["state"] for row in json.loads((await letters("list", "--json")).out)}
        assert states == {first["letter"]: "discarded", second["letter"]: "replayed"}
        with pytest.raises(CommandError, match="No dead letter is like that"):
            await letters("replay", "--yes", "--why", "there is nothing left to decide on")
        assert (await letters("replay", "--state", "discarded", "--why", "it was right after all")).code == 0


class Late(LetterDecisions):
    """Decisions that are overtaken once, between the reading of a row and its writing."""

    def __init__(self, *given: Any, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(*given)
        self._meanwhile: list[Callable[[], Awaitable[object]]] = [meanwhile]

    async def _put(self, *given: Any) -> None:
        if self._meanwhile:
            await self._meanwhile.pop()()
        await super()._put(*given)


async def test_letter_already_taken_is_not_discarded(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running() as kernel:
        await broken(place)
        mended.faulty = False
        assert (await letters("replay", "--why", "the fault is mended")).code == 0
        before = await kernel.mongo[DEAD_LETTERS].find_one({})
        assert before is not None

        refused = await letters("discard", before["_id"], "--why", "by mistake", "--json")

        assert refused.code == 1
        assert json.loads(refused.out)[0]["state"] == "replayed"
        said = f"{before['_id']} was taken already, on {format_time(before['ended'])}: nothing to discard.\n"
        assert refused.err == said
        assert await kernel.mongo[DEAD_LETTERS].find_one({}) == before
        assert len(await operations(kernel)) == 2


async def test_letter_set_aside_again_after_replay_can_be_discarded(place: Bench, letters: Console) -> None:
    """The replayed record was lost from the database, and could not be stored again."""
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running() as kernel:
        event = await broken(place)
        mended.faulty = False
        assert (await letters("replay", "--why", "the fault is mended")).code == 0
        before = await kernel.mongo[DEAD_LETTERS].find_one({})
        assert before is not None
        [first] = json.loads((await letters("list", "--json")).out)
        mended.faulty = True
        await kernel.mongo[REFERRALS].delete_one({"referral": event.body.referral_id})
        await letters("replay", "--state", "replayed", "--why", "to be sure")
        await place.dead_letters(2)
        [again] = json.loads((await letters("list", "--json")).out)
        assert (again["letter"], again["state"]) == (first["letter"], "new")

        done = await letters("discard", "--why", "nobody misses it")

        assert (done.code, done.err) == (0, "")
        assert (await letters("list", "--state", "new")).out == "No dead letter is like that.\n"
        row = await kernel.mongo[DEAD_LETTERS].find_one({})
        assert row is not None
        assert (row["state"], row["taken"]) == ("discarded", before["ended"]), "a rebuild goes by it"
        assert (await letters("discard", again["letter"], "--why", "once more")).code == 0

        mended.faulty = False
        done = await letters("replay", "--state", "discarded", "--why", "it was right after all", "--json")
        assert [(one["state"], one["last_replay"]) for one in json.loads(done.out)] == [
            ("replayed", "handled")
        ]
        assert "nothing to discard" in (await letters("discard", again["letter"], "--why", "rather not")).err


async def test_letter_taken_at_the_same_moment_is_not_discarded(
    place: Bench, letters: Console, caplog: pytest.LogCaptureFixture
) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        event = await broken(place)
    await letters("replay", "--why", "soon", "--wait", "0")
    mended.faulty = False
    [letter] = [
        one for one in await read_letters(place.kafka, ["matching"]) if one.locality == place.locality
    ]
    mongo = Mongo(place.mongo_url, place.options.database)
    caplog.set_level(logging.INFO, "shared.delivery.dlq.replays")

    async def taken() -> None:
        async with place.kernel(replace(TOY, fold=mended)).running() as later:
            await until(lambda: mongo[DEAD_LETTERS].find_one({"state": "replayed"}))
            assert await later.view(place.locality, event.body.referral_id) is not None

    told = await Late("matching", mongo, "ada", meanwhile=taken).discard(letter, "by mistake")

    row = await mongo[DEAD_LETTERS].find_one({})
    await mongo.close()
    assert row is not None
    assert (row["state"], row["ended"]) == ("replayed", told)
    [line] = [vars(one) for one in caplog.records if "dead letter replayed" in one.message]
    assert f"{line['topic']}/{line['partition']}/{line['offset']}" == letter.place
