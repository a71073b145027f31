"""Dead letters on a real broker and database: replayed."""

import json
from dataclasses import replace

from shared.contract.events.topics import event_topics, topic
from shared.delivery.dlq.rows import DEAD_LETTERS
from tests.harness.delivery.letters import Mended, broken, operations, records, until
from tests.harness.delivery.toy import TOY, Bench, fold
from tests.integration.commands.conftest import Console


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
