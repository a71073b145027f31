"""Dead letters on a real broker and database: listed, opened, replayed and discarded."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from linkwork.config import Config
from linkwork.dead_letter_decisions import LetterDecisions
from linkwork.dead_letter_log import read_letters
from linkwork.errors import CommandError
from linkwork.output import format_time
from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import Fact
from shared.contract.events.topics import event_topics, topic
from shared.contract.events.vocabulary import Need
from shared.contract.history import ReferralHistory
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.toy import TOY, Bench, created, fold, said
from tests.integration.commands.conftest import Console


class Mended:
    """A fold with a fault that somebody mends."""

    def __init__(self) -> None:
        self.faulty = True

    def __call__(self, facts: Sequence[Fact]) -> ReferralHistory:
        if self.faulty and any(Need.HOUSING in getattr(fact.body, "needs", ()) for fact in facts):
            raise ZeroDivisionError
        return fold(facts)


async def broken(place: Bench) -> Envelope:
    """Says something that the fault lies in wait for."""
    event = said(created(place.locality, needs=[Need.HOUSING]))
    await place.say(event)
    await place.dead_letters(1)
    return event


async def records(place: Bench, name: str) -> int:
    found = await place.heard(name, 1000, seconds=0.5)
    return len(found)


async def until(test: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await test()):
            await asyncio.sleep(0.05)
    return found


async def operations(kernel: Kernel[Any, Any]) -> list[Document]:
    return [dict(row) async for row in kernel.mongo[OPERATIONS].find().sort("_id", 1)]


async def test_replay_after_a_fix_reaches_only_the_service_that_failed(
    place: Bench, letters: Console
) -> None:
    mended = Mended()
    kernel = place.kernel(replace(TOY, fold=mended))
    async with kernel.running():
        event = await broken(place)
        [row] = json.loads((await letters("list", "--json")).out)
        assert (row["reason"], row["error"], row["state"]) == ("handler_failed", "ZeroDivisionError", "new")
        before = {name: await records(place, name) for name in event_topics(place.locality)}

        mended.faulty = False
        done = await letters("replay", row["letter"], "--why", "the fault is mended")

        assert done.code == 0
        assert "replayed" in done.out
        fact = (await kernel.facts(place.locality, event.body.referral_id))[0]
        assert (fact.id, fact.source, fact.time) == (event.id, event.source, event.time)
        [booked] = await place.heard(topic(place.locality, "meeting-booked"), 1)
        assert booked.key == event.body.referral_id.encode()
        after = {name: await records(place, name) for name in event_topics(place.locality)}
        assert after[event.topic()] == before[event.topic()]

        again = await letters("replay", row["letter"], "--why", "to be sure", "--json")
        assert json.loads(again.out)[0]["last_replay"] == "duplicate"
        assert {name: await records(place, name) for name in event_topics(place.locality)} == after

        asked, replayed = (await operations(kernel))[:2]
        assert (asked["by"], asked["why"]) == ("ada", "the fault is mended")
        assert asked["what"] == "dead letter replay asked"
        assert (replayed["what"], replayed["by"]) == ("dead letter replayed", "ada")
        assert replayed["about"]["result"] == "handled"
        stored = await kernel.mongo[DEAD_LETTERS].find_one({"_id": row["letter"]})
        assert stored is not None
        assert "sealed" not in stored


async def test_one_that_fails_again_is_one_letter_under_the_same_id(place: Bench, letters: Console) -> None:
    async with place.kernel(replace(TOY, fold=Mended())).running():
        await broken(place)
        [before] = json.loads((await letters("list", "--json")).out)

        done = await letters("replay", "--reason", "handler_failed", "--why", "I hoped")

        assert done.code == 1
        await place.dead_letters(2)
        [after] = json.loads((await letters("list", "--json")).out)
        assert after["id"] == before["id"]
        assert after["letter"] == before["letter"]
        assert (after["state"], after["last_replay"]) == ("new", "handler_failed")
        assert after["time"] > before["time"]


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


async def test_it_waits_for_the_service(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        event = await broken(place)
    await letters("replay", "--why", "soon", "--wait", "0")
    await letters("replay", "--why", "asked twice is asked once", "--wait", "0")
    mended.faulty = False
    later, other = (place.kernel(replace(TOY, fold=mended)) for _ in range(2))
    async with later.running(), other.running():
        view = await later.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] > 0, 10)
        assert view is not None
        assert view["meetings"] == 1
        ended = await until(lambda: later.mongo[DEAD_LETTERS].find_one({"state": "replayed"}))
        assert ended["result"] == "handled"


async def test_opening_one_is_written_down_and_warned_of(place: Bench, letters: Console) -> None:
    kernel = place.kernel()
    async with kernel.running():
        event = said(created(place.locality))
        key = event.body.referral_id.encode()
        headers = [*event.headers(), ("trace", b"\xff"), ("none", None)]
        await place.producer.send_and_wait(event.topic(), b"{not\x1bjson", key=key, headers=headers)
        await place.dead_letters(1)

        opened = await letters("show", "--why", "to tell its publisher")

        assert opened.code == 0
        assert "may hold somebody's identity" in opened.err
        assert "base64:" in opened.out
        assert "\x1b" not in opened.out
        assert f"ce_id: {event.id}" in opened.out
        [row] = await operations(kernel)
        assert (row["what"], row["why"], row["by"]) == ("dead letter opened", "to tell its publisher", "ada")
        record = json.loads((await letters("show", "--why", "once more", "--json")).out)["record"]
        assert record["key"] == key.decode()
        assert record["headers"][-2:] == [["trace", "base64:/w=="], ["none", None]]


async def test_another_key_opens_nothing(place: Bench, letters: Console, around: Config) -> None:
    kernel = place.kernel(replace(TOY, fold=Mended()))
    async with kernel.running():
        await broken(place)
        with pytest.raises(CommandError, match="sealed with another key"):
            await letters("show", "--why", "w", around=replace(around, key=b"another"))
        with pytest.raises(CommandError, match="LINKWORK_DEAD_LETTER_KEY is not set"):
            await letters("show", "--why", "w", around=replace(around, key=b""))
    other = place.kernel(replace(TOY, fold=fold), dead_letter_key=b"the key was changed meanwhile")
    async with other.running():
        failed = await letters("replay", "--why", "w", "--json")
        assert failed.code == 1
        assert json.loads(failed.out)[0]["last_replay"] == "sealed_with_another_key"


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


async def test_taken_letter_stays_taken_when_replay_is_asked_again(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        await broken(place)
        mended.faulty = False
        await letters("replay", "--why", "the fault is mended")
    waits = await letters("replay", "--state", "replayed", "--why", "to be sure", "--wait", "0")
    assert "waiting" in waits.out
    assert "nothing to discard" in (await letters("discard", "--why", "rather not")).err
    other = place.kernel(replace(TOY, fold=fold), dead_letter_key=b"the key was changed meanwhile")
    async with other.running() as kernel:
        row = await until(lambda: kernel.mongo[DEAD_LETTERS].find_one({"result": "sealed_with_another_key"}))
        assert row["state"] == "replayed", "a rebuild goes by it"
        assert (await letters("replay", row["_id"], "--why", "once more")).code == 1, "it was not taken anew"


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


async def test_names_that_nothing_has_are_told(place: Bench, letters: Console) -> None:
    mended = Mended()
    async with place.kernel(replace(TOY, fold=mended)).running():
        await broken(place)
        mended.faulty = False
        [row] = json.loads((await letters("list", "--json")).out)
        nowhere = f"{topic(place.locality, 'referral-created')}/0/999"
        said = f"No dead letter of {nowhere} is like that.\n"

        alone = await letters("discard", nowhere, "--why", "theirs")
        assert (alone.code, alone.out, alone.err) == (1, "", said)
        assert (await letters("list", nowhere, "--json")).out == "[]\n"
        listed = await letters("list", nowhere, row["letter"])
        assert (listed.code, listed.err, row["letter"] in listed.out) == (1, said, True)
        done = await letters("replay", nowhere, row["letter"], "--why", "mended", "--json")
        assert (done.code, done.err) == (1, said)
        assert [one["state"] for one in json.loads(done.out)] == ["replayed"]

        with pytest.raises(CommandError, match=r"There is no locality atlantis\. There are: .*meir"):
            await letters("list", "--locality", "atlantis")
        with pytest.raises(
            CommandError, match=r"There is no reason nonsense\. There are: bad_json, .*handler_failed"
        ):
            await letters("list", "--reason", "nonsense")
        assert (
            await letters("list", "--locality", "meir", "--reason", "too_large", "--since", "0m")
        ).code == 0


async def test_no_value_is_not_the_text_none(place: Bench, letters: Console) -> None:
    async with place.kernel().running():
        for value in (None, b"None"):
            event = said(created(place.locality))
            key = event.body.referral_id.encode()
            headers = [*event.headers(), ("none", None)]
            await place.producer.send_and_wait(event.topic(), value, key=key, headers=headers)
        await place.dead_letters(2)
        null = await letters("show", "--reason", "empty_body", "--why", "to tell its publisher")
        assert "value    no value (null)\n" in null.out
        assert "header   none: no value (null)\n" in null.out
        text = await letters("show", "--reason", "bad_json", "--why", "to tell its publisher")
        assert "value    None\n" in text.out
