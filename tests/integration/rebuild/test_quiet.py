"""A rebuild while nothing else happens: the same facts, views and figures, and the way back."""

import asyncio

from shared.contract.events.topics import topic
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Document
from shared.delivery.rebuild.generations import names_of
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, TASKS
from tests.harness.delivery.toy import Bench, created, missed, said
from tests.harness.rebuild.tallied import TALLIED, TALLIES


async def settled(kernel: Kernel[object, object], count: int) -> None:
    """All have their meeting, the call that follows has been made, and nothing waits to be published."""
    async with asyncio.timeout(30):
        while True:
            done = await kernel.mongo["referrals"].count_documents({"view.contacts": {"$gte": 1}})
            waiting = await kernel.mongo[OUTBOX].count_documents({})
            if done >= count and not waiting and not await kernel.mongo[TASKS].count_documents({}):
                return
            await asyncio.sleep(0.1)


async def generation(kernel: Kernel[object, object], name: str, number: int) -> dict[str, Document]:
    collection = kernel.mongo.database[names_of([name], number)[name]]
    return {row["_id"]: dict(row) async for row in collection.find()}


async def tallies(kernel: Kernel[object, object], number: int) -> dict[str, dict[str, int]]:
    """The rows without their zeros."""
    rows = await generation(kernel, TALLIES, number)
    return {at: {name: count for name, count in row["n"].items() if count} for at, row in rows.items()}


def facts_of(rows: dict[str, Document]) -> dict[str, set[tuple[str, str]]]:
    return {identity: {(fact["s"], fact["i"]) for fact in row["facts"]} for identity, row in rows.items()}


async def test_all_is_folded_anew_and_nothing_is_decided_or_said(place: Bench, rebuild: Rebuild) -> None:
    kernel = place.kernel(TALLIED)
    async with kernel.running():
        events = [said(created(place.locality)) for _ in range(60)]
        await place.say(*events)
        await settled(kernel, 60)
        said_before = len(await place.heard(topic(place.locality, "meeting-booked"), 60))

        report = await rebuild.run()

        assert report.switched
        assert report.pause is not None
        assert report.pause < 3
        old, new = await generation(kernel, "referrals", 1), await generation(kernel, "referrals", 2)
        assert len(new) == 60
        assert facts_of(old) == facts_of(new)
        assert {i: row["view"] for i, row in old.items()} == {i: row["view"] for i, row in new.items()}
        assert await tallies(kernel, 1) == await tallies(kernel, 2)
        indexes = await kernel.mongo.database["referrals.g2"].index_information()
        assert {"fold_1_locality_1_rules_1", "view.stage_1"} <= set(indexes)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 60)) == said_before

        # Life goes on in the new generation, and the old one stays as it was.
        first = events[0].body.referral_id
        view = await kernel.view(place.locality, first)
        assert view is not None
        assert view.active is not None
        await place.say(said(missed(place.locality, first, view.active.booked.meeting_id)))
        await kernel.wait_for(place.locality, first, lambda v: v["meetings"] == 2, 10)
        await place.say(said(created(place.locality)))
        await settled(kernel, 61)
        assert len(await generation(kernel, "referrals", 1)) == 60
        assert len(await generation(kernel, "referrals", 2)) == 61

        back = await rebuild.back()

        assert back.switched
        assert (back.live, back.number) == (2, 1)
        assert facts_of(await generation(kernel, "referrals", 1)) == facts_of(
            await generation(kernel, "referrals", 2)
        )
        assert await tallies(kernel, 1) == await tallies(kernel, 2)
        late = said(created(place.locality))
        await place.say(late)
        await settled(kernel, 62)
        assert len(await generation(kernel, "referrals", 1)) == 62

        again = await rebuild.run()
        assert (again.live, again.number, again.switched) == (1, 2, True)
