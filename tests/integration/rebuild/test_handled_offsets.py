"""A rebuild folds what the service has handled, whatever the database or the group says of it."""

import asyncio
from dataclasses import replace

from shared.contract.events.topics import topic
from shared.delivery.kernel import Kernel
from shared.delivery.offsets.handled import HANDLED
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.stranger import commits_to_the_end, stranger
from tests.harness.delivery.toy import Bench, created, said
from tests.harness.rebuild.tallied import TALLIED, TALLIES
from tests.integration.rebuild.test_quiet import generation, settled


async def stream(kernel: Kernel[object, object], place: Bench, **wanted: object) -> None:
    """Waits until the stream's detail in /readyz is like that."""
    async with asyncio.timeout(20):
        while True:
            _, details = await kernel.ready()
            if wanted.items() <= details["streams"][place.locality].items():
                return
            await asyncio.sleep(0.1)


async def test_restored_database_is_rebuilt_and_goes_on(place: Bench, rebuild: Rebuild) -> None:
    """Nothing is decided again on what was handled before the database was lost."""
    async with place.kernel(TALLIED).running() as kernel:
        await place.say(*[said(created(place.locality)) for _ in range(6)])
        await settled(kernel, 6)
        before = len(await place.heard(topic(place.locality, "meeting-booked"), 6))
    async with place.kernel(TALLIED).running() as kernel:
        # As a back-up from before the first referral has it.
        for name in (REFERRALS, TALLIES):
            await kernel.mongo[name].delete_many({})
        await kernel.mongo[HANDLED].update_many({}, {"$set": {"next": 0}})
        kernel._consumers[0].gate.shut()
        await stream(kernel, place, state="stopped", reason="database_behind")

        report = await replace(rebuild, accept=True).run()

        assert report.switched
        assert len(await generation(kernel, REFERRALS, 2)) == 6
        await stream(kernel, place, state="running")
        await place.say(said(created(place.locality)))
        await settled(kernel, 7)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 7)) == before + 1


async def test_records_that_a_stranger_committed_stay_out(place: Bench, rebuild: Rebuild) -> None:
    """They are decided on when the service reads them."""
    async with place.kernel(TALLIED).running() as kernel:
        await place.say(*[said(created(place.locality)) for _ in range(4)])
        await settled(kernel, 4)
    await place.say(*[said(created(place.locality)) for _ in range(3)])
    async with stranger(place) as other:
        await commits_to_the_end(other)

    report = await rebuild.run()

    assert report.switched
    assert report.compared.referrals == 4
    async with place.kernel(TALLIED).running() as kernel:
        await settled(kernel, 7)
