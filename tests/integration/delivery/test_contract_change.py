"""Stored facts that a later contract no longer allows: they say nothing, and block nobody."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.contract.events.fact import Fact
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.model.facts import UNREADABLE
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.toy import TOY, Bench, created, fold, missed, said


async def spoil(kernel: Kernel[Any, Any], referral_id: str) -> None:
    """As if a field that the contract asks for now had not been there then."""
    await kernel.mongo[REFERRALS].update_one({"referral": referral_id}, {"$set": {"facts.0.b": b'{"old":1}'}})


async def test_referral_with_unreadable_fact_goes_on(place: Bench) -> None:
    events = [said(created(place.locality)) for _ in range(6)]
    async with place.kernel().running() as kernel:
        await place.say(*events)
        for event in events:
            await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
            await spoil(kernel, event.body.referral_id)
        for event in events:
            body = event.body
            await place.say(said(missed(place.locality, body.referral_id, body.referral_id)))
            await place.say(said(created(place.locality, body.referral_id)))
        last = said(created(place.locality))
        await place.say(last)
        view = await kernel.wait_for(place.locality, last.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None
        assert view["meetings"] == 1
        facts = await kernel.facts(place.locality, events[0].body.referral_id)
        _, detail = await kernel.ready()
        assert detail["streams"][place.locality]["state"] == "running"
        assert await place.dead_letters(0) == []
    assert facts[0].kind == UNREADABLE
    assert [fact.kind for fact in facts].count("referral_created") == 1


async def test_reprojection_of_unfoldable_referral_spares_others(place: Bench) -> None:
    events = [said(created(place.locality)) for _ in range(5)]
    async with place.kernel().running() as kernel:
        await place.say(*events)
        for event in events:
            await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
    stubborn = events[2].body.referral_id

    def new_fold(facts: Sequence[Fact]) -> ReferralHistory:
        if facts[0].body.referral_id == stubborn:
            raise ZeroDivisionError
        return fold(facts)

    later = place.kernel(replace(TOY, fold=new_fold, fold_version=2))
    async with later.running():
        for _ in range(100):
            if await later.mongo[REFERRALS].count_documents({"fold": 2}) == 4:
                break
            await asyncio.sleep(0.1)
        assert await later.mongo[REFERRALS].count_documents({"fold": 2}) == 4
        assert await later.mongo[REFERRALS].count_documents({"fold": 1, "referral": stubborn}) == 1
        assert later.live()


async def test_older_fold_version_does_not_overwrite_newer_view(place: Bench) -> None:
    event = said(created(place.locality))
    newer = replace(TOY, fold_version=2)
    async with place.kernel(newer).running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        async with place.kernel().running():
            await asyncio.sleep(0.5)
        stored = await kernel.stored(place.locality, event.body.referral_id)
    assert stored is not None
    assert stored["fold"] == 2
