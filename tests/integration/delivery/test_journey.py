"""The kernel on a real broker and a real database, from a record to what follows from it."""

import asyncio

from shared.contract.events.topics import topic
from tests.harness.delivery.toy import Bench, created, missed, said


async def test_referral_is_answered_once_and_task_follows(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        await place.say(event)
        view = await kernel.wait_for(
            place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, seconds=10
        )
        assert view == {"stage": "booked", "meetings": 1, "contacts": 1}
        await place.say(event, event)  # the same again changes nothing
        booked = await place.heard(topic(place.locality, "meeting-booked"), 1)
        assert len(booked) == 1
        assert booked[0].key == event.body.referral_id.encode()
        headers = {name: value.decode() for name, value in booked[0].headers}
        assert headers["ce_source"] == f"/{place.locality}/booking"
        assert headers["ce_subject"] == event.body.referral_id


async def test_fact_before_its_referral_is_kept(place: Bench) -> None:
    body = created(place.locality)
    async with place.kernel().running() as kernel:
        await place.say(said(missed(place.locality, body.referral_id, body.person_ref)))
        early = await kernel.wait_for(place.locality, body.referral_id, lambda _: True, seconds=10)
        assert early is not None
        assert early["stage"] == "unknown"
        await place.say(said(body))
        late = await kernel.wait_for(
            place.locality, body.referral_id, lambda v: v["meetings"] == 1, seconds=10
        )
        assert late is not None
        assert late["stage"] == "booked"


async def test_kernel_without_one_loop_is_not_live(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        assert kernel.live()
        ready, detail = await kernel.ready()
        assert ready
        assert detail["streams"][place.locality]["state"] == "running"
        for task in kernel._consumers[0]._subscriber.tasks:
            task.cancel()
        await asyncio.sleep(0.1)
        assert not kernel.live()
