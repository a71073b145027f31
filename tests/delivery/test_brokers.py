"""A cluster is named by several of its brokers, and one of them may be away when a process starts."""

from dataclasses import replace

from deploy.local.ports import LOOPBACK, free_port
from tests.delivery.toy import Bench, created, said


async def test_the_first_of_the_brokers_named_may_be_away(place: Bench) -> None:
    brokers = f"{LOOPBACK}:{free_port()},{place.options.kafka_bootstrap}"
    there = replace(place, options=replace(place.options, kafka_bootstrap=brokers))
    event = said(created(place.locality))
    async with there.kernel().running() as kernel:
        await place.say(event)
        view = await kernel.wait_for(
            place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, seconds=10
        )
    assert view is not None
    assert view["stage"] == "booked"
