"""How long what is due is put off: what says nothing of a row leaves it due, whatever a clock says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.delivery.decision import Decision, Due, DueRow, Occasion
from shared.delivery.due_rows import put_off
from shared.delivery.errors import Conflict, Transient
from shared.delivery.mongo import Transaction
from shared.delivery.part import Loaded, Sender
from shared.delivery.round import DUE
from shared.story import Story
from tests.delivery.toy import TOY, Bench, created, said


async def test_a_gateway_that_is_away_is_asked_again_ever_later(place: Bench) -> None:
    kernel = place.kernel()
    # As the database keeps times: to the millisecond.
    now = kernel.clock().replace(microsecond=0)
    row = {"_id": "a row", "what": "anything", "at": now, "attempt": 9}
    await kernel.mongo[DUE].insert_one(dict(row))
    try:
        await put_off(kernel._worker, row, "not_now")
        after = kernel.clock()
        kept = await kernel.mongo[DUE].find_one({"_id": "a row"})
    finally:
        await kernel.mongo.close()
    assert kept is not None
    # Between two looks at the clock, however long a busy machine took in between.
    assert now + timedelta(seconds=1000) <= kept["at"] <= after + timedelta(seconds=1100)
    assert kept["attempt"] == 10


@pytest.mark.parametrize("trouble", [Transient, Conflict])
async def test_a_message_whose_beginning_failed_is_begun_again_at_once(
    place: Bench, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    """Transient: it was written that it has begun, and nobody heard so. Conflict: somebody else was first."""
    sent: list[tuple[str, int]] = []

    def ask(story: Story, resources: None, occasion: Occasion) -> Decision:
        return Decision(due=[Due("message", "person", occasion.now)])

    async def send(key: str, loaded: Loaded[Story], row: DueRow) -> str:
        sent.append((key, row.attempt))
        return "reference"

    sender = Sender(wanted=lambda *_: True, send=send)
    part = replace(TOY, decisions={"referral_created": ask}, senders={"message": sender})
    async with place.kernel(part).running() as kernel:
        begin, transact = kernel._due._sending._begin, kernel.mongo.transact
        troubles = 0

        async def fails_once(work: Callable[[Transaction], Awaitable[Any]]) -> Any:
            nonlocal troubles
            if troubles or getattr(work, "func", None) != begin:
                return await transact(work)
            troubles += 1
            if trouble is Transient:
                await transact(work)
            raise trouble

        monkeypatch.setattr(kernel.mongo, "transact", fails_once)
        event = said(created(place.locality))
        await place.say(event)
        async with asyncio.timeout(10):  # a lease for sending is for a minute
            while not sent or await kernel.mongo[DUE].find_one({}):
                await asyncio.sleep(0.05)
    assert troubles == 1
    key = f"message|{place.locality}/{event.body.referral_id}|person"
    assert sent == [(key, 1 if trouble is Transient else 0)], "as often as it was begun before, never put off"
