"""Dead letters: a rebuild follows the live generation's facts, and not letters alone."""

from dataclasses import replace

import pytest

from linkwork.dead_letter_decisions import LetterDecisions
from linkwork.dead_letter_log import FoundLetter, read_letters
from shared.contract.events.vocabulary import Need
from shared.contract.history import ReferralHistory
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.rebuild.comparing import Comparison
from shared.delivery.rebuild.dead_letter_positions import replayed
from shared.delivery.rebuild.log import OffsetRange, ranges_around
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.shadow_generation import ShadowGeneration
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.toy import NOW, Bench, book, created, said
from tests.harness.rebuild.tallied import TALLIED
from tests.integration.rebuild.test_quiet import facts_of, generation, settled, tallies
from tests.integration.rebuild.test_recorded_facts import faulty, some


async def letters_of(place: Bench) -> list[FoundLetter]:
    found = await read_letters(place.kafka, ["matching"])
    return sorted((one for one in found if one.locality == place.locality), key=lambda one: one.time)


async def test_record_received_after_its_letter_is_folded(place: Bench, rebuild: Rebuild) -> None:
    """A stream that was stopped begins its batch again: the letters that it had written stay."""
    broken = True

    def decide(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        if broken:
            raise ZeroDivisionError
        return book(story, resources, context)

    await place.say(*[said(created(place.locality)) for _ in range(20)])
    part = replace(TALLIED, decisions={**TALLIED.decisions, "referral_created": decide})
    async with place.kernel(part, breaker_failures=3).running() as kernel:
        assert len(await place.dead_letters(2)) == 2
        broken = False
        await settled(kernel, 20)
        assert (await rebuild.run()).switched
        assert await tallies(kernel, 1) == await tallies(kernel, 2)


async def test_replayed_record_counts_though_letter_was_discarded(place: Bench, rebuild: Rebuild) -> None:
    """Earlier builds let a letter be discarded after it had been replayed."""
    taken, never = (said(created(place.locality, needs=[Need.HOUSING])) for _ in range(2))
    async with place.kernel(replace(TALLIED, fold=faulty)).running() as kernel:
        await some(place, kernel)
        await place.say(taken)
        await place.dead_letters(1)
        await place.say(never)
        await place.dead_letters(2)
    async with place.kernel(TALLIED).running() as kernel:
        first, second = await letters_of(place)
        desk = LetterDecisions("matching", kernel.mongo, "ada")
        await desk.replay(first, "mended")
        await settled(kernel, 21)
        await desk.discard(second, "nobody misses it")
        discarded = {"$set": {"state": "discarded"}}
        assert (
            await kernel.mongo[DEAD_LETTERS].update_one({"_id": first.place}, discarded)
        ).modified_count == 1

        report = await rebuild.run()

        assert (report.switched, report.compared.referrals) == (True, 21)
        made = {identity.partition("/")[2] for identity in await generation(kernel, REFERRALS, 2)}
        assert taken.body.referral_id in made
        assert never.body.referral_id not in made


async def test_record_replayed_since_the_switch_is_brought_back(place: Bench, rebuild: Rebuild) -> None:
    event = said(created(place.locality, needs=[Need.HOUSING]))
    async with place.kernel(replace(TALLIED, fold=faulty)).running() as kernel:
        await some(place, kernel)
        await place.say(event)
        await place.dead_letters(1)
    async with place.kernel(TALLIED).running() as kernel:
        assert (await rebuild.run()).switched
        (letter,) = await letters_of(place)
        await LetterDecisions("matching", kernel.mongo, "ada").replay(letter, "mended")
        await settled(kernel, 21)
        assert (await rebuild.back()).switched
        old, new = [await generation(kernel, REFERRALS, number) for number in (1, 2)]
        assert len(old) == 21
        assert facts_of(old) == facts_of(new)


async def test_replayed_record_counts_while_asked_for_again(
    place: Bench, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken while a rebuild goes on, and waits once more when that comes to its end."""
    event, compare = said(created(place.locality, needs=[Need.HOUSING])), ShadowGeneration.compare
    async with place.kernel(replace(TALLIED, fold=faulty)).running() as kernel:
        await some(place, kernel)
        await place.say(event)
        await place.dead_letters(1)
    async with place.kernel(TALLIED).running() as kernel:
        desk, (letter,) = LetterDecisions("matching", kernel.mongo, "ada"), await letters_of(place)

        async def and_replay(shadow: ShadowGeneration) -> Comparison:
            compared = await compare(shadow)
            await desk.replay(letter, "mended")
            await settled(kernel, 21)
            await kernel._replays.stop()
            await desk.replay(letter, "to be sure")
            return compared

        monkeypatch.setattr(ShadowGeneration, "compare", and_replay)
        report = await rebuild.run()

        assert (report.switched, report.compared.missing) == (True, 0)
        row = await kernel.mongo[DEAD_LETTERS].find_one({"_id": letter.place})
        assert row is not None
        assert row["state"] == "asked"
        old, new = [await generation(kernel, REFERRALS, number) for number in (1, 2)]
        assert len(new) == 21
        assert facts_of(old) == facts_of(new)


async def test_later_decision_does_not_undo_that_it_was_taken(place: Bench) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        for n, state in enumerate(("asked", "failed", "discarded", "replayed")):
            row = {"_id": f"a/0/{n}", "state": state}
            await kernel.mongo[DEAD_LETTERS].insert_many([row | {"taken": NOW}, row | {"_id": f"b/0/{n}"}])
        assert await replayed(kernel.mongo) == {("a", 0, n) for n in range(4)} | {("b", 0, 3)}


def test_places_that_are_near_one_another_are_read_in_one_go() -> None:
    places = {("a", 0, 7), ("a", 0, 3), ("a", 1, 8), ("b", 1, 9), ("b", 1, 50_000)}
    assert ranges_around(places) == [
        OffsetRange("a", 0, 3, 8),
        OffsetRange("a", 1, 8, 9),
        OffsetRange("b", 1, 9, 10),
        OffsetRange("b", 1, 50_000, 50_001),
    ]
