"""Decisions are published at least once under one id, even if a process dies."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any, cast

import pytest
from pymongo.errors import AutoReconnect

from shared.contract.events.topics import topic
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import Leases
from shared.delivery.outbox.relay import Relay
from shared.delivery.outbox.rows import ROW_BYTES, Message, rows_of
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import NOW, Bench, created, said


def message(place: Bench, size: int = 100) -> Message:
    event = said(created(place.locality))
    padded = event.raw + b" " * size
    headers = {name: value.decode() for name, value in event.headers()}
    return Message(topic(place.locality, "meeting-booked"), event.body.referral_id.encode(), padded, headers)


def test_large_outbox_rows_are_split() -> None:
    one = Message("t", b"k", b"x" * 300_000, {})
    rows = rows_of([one] * 10, new_id)
    assert [len(row.messages) for row in rows] == [3, 3, 3, 1]
    assert rows_of([Message("t", b"k", b"x" * (ROW_BYTES + 5), {})], new_id)[0].messages
    assert rows_of([], new_id) == []


def test_rows_handed_over_with_broker_away_are_bounded() -> None:
    """The database has it all: it is read from there when the broker is back."""
    relay = Relay(
        "matching",
        "lane",
        cast("Mongo", None),
        cast("Leases", None),
        KafkaConnection("nowhere:1"),
        lambda: NOW,
        1.0,
    )
    relay._behind = False
    one = Message("t", b"k", b"v", {})
    for _ in range(1000):
        relay.hand_over(rows_of([one], new_id))
    assert len(relay._handed_over) <= 200
    assert relay._behind


async def test_rows_visible_behind_relay_are_not_lost(place: Bench) -> None:
    """A relay that deletes a range loses rows of a transaction that commits during its scan."""
    async with place.kernel().running() as kernel:
        early = [new_id() for _ in range(50)]
        mongo = kernel.mongo
        lane = kernel._relay.lane
        began, go_on = asyncio.Event(), asyncio.Event()

        async def slow(tx: Any) -> None:
            rows = [{"_id": i, "lane": lane, "at": NOW, "m": [message(place).stored()]} for i in early]
            await tx[OUTBOX].insert_many(rows, session=tx.session)
            began.set()
            await go_on.wait()

        late = asyncio.create_task(mongo.transact(slow))
        await began.wait()
        rows = [
            {"_id": new_id(), "lane": lane, "at": NOW, "m": [message(place).stored()]} for _ in range(200)
        ]
        await mongo[OUTBOX].insert_many(rows)
        kernel._relay.read_lane()
        await asyncio.sleep(0.05)
        go_on.set()
        await late
        kernel._relay.read_lane()
        published = await place.heard(topic(place.locality, "meeting-booked"), 250)
        assert len({record.key for record in published}) == 250


async def test_relay_killed_before_delete_repeats_same_id(
    place: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = said(created(place.locality))
    kernel = place.kernel()
    deletes = Counter[str]()
    original = Mongo.light

    class Dying:
        def __init__(self, collection: Any) -> None:
            self._collection = collection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._collection, name)

        async def delete_many(self, *args: Any) -> Any:
            deletes["outbox"] += 1
            if deletes["outbox"] == 1:
                raise AutoReconnect("died")
            return await self._collection.delete_many(*args)

    def light(self: Mongo, name: str) -> Any:
        return Dying(original(self, name)) if name == OUTBOX else original(self, name)

    monkeypatch.setattr(Mongo, "light", light)
    async with kernel.running():
        await place.say(event)
        booked = await place.heard(topic(place.locality, "meeting-booked"), 2)
    ids = [dict(record.headers)["ce_id"] for record in booked]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_lane_of_dead_process_is_taken_over(place: Bench) -> None:
    async with place.kernel().running() as kernel:
        orphan = {"_id": new_id(), "lane": "dead", "at": NOW, "m": [message(place).stored()]}
        await kernel.mongo[OUTBOX].insert_one(orphan)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1
        for _ in range(50):
            if await kernel.mongo[OUTBOX].count_documents({}) == 0:
                break
            await asyncio.sleep(0.1)
        assert await kernel.mongo[OUTBOX].count_documents({}) == 0


async def test_published_row_still_visible_is_not_published_again(place: Bench) -> None:
    """A row is deleted without waiting for the majority, which is what a read of the outbox asks."""
    async with place.kernel().running() as kernel:
        relay, mongo = kernel._relay, kernel.mongo
        while relay._behind:
            await asyncio.sleep(0.01)
        row = rows_of([message(place)], new_id)[0]
        relay.hand_over([row])
        booked = topic(place.locality, "meeting-booked")
        assert len(await place.heard(booked, 1)) == 1
        await mongo[OUTBOX].insert_one(row.stored(relay.lane, NOW))
        relay.read_lane()
        while await mongo[OUTBOX].count_documents({}):
            await asyncio.sleep(0.01)
        assert len(await place.heard(booked, 2, seconds=0.5)) == 1


async def test_lane_of_live_process_is_left_alone(place: Bench) -> None:
    async with place.kernel().running() as kernel:
        assert await Leases(kernel.mongo, "another process", seconds=30).take("lane/theirs")
        row = {"_id": new_id(), "lane": "theirs", "at": NOW, "m": [message(place).stored()]}
        await kernel.mongo[OUTBOX].insert_one(row)
        await asyncio.sleep(1.0)
        assert await kernel.mongo[OUTBOX].count_documents({"lane": "theirs"}) == 1


async def test_unsendable_message_is_dead_lettered_and_blocks_nothing(place: Bench) -> None:
    async with place.kernel().running() as kernel:
        rows = [
            {"_id": new_id(), "lane": kernel._relay.lane, "at": NOW, "m": [m.stored()]}
            for m in (message(place, 3_000_000), message(place))
        ]
        await kernel.mongo[OUTBOX].insert_many(rows)
        kernel._relay.read_lane()
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1
        for _ in range(150):  # The rows go when everything is acknowledged.
            if await kernel.mongo[OUTBOX].count_documents({}) == 0:
                break
            await asyncio.sleep(0.1)
        assert await kernel.mongo[OUTBOX].count_documents({}) == 0
        assert await kernel.mongo["outbox_dead_letters"].count_documents({}) == 1


async def test_facts_of_referral_share_partition(place: Bench) -> None:
    events = [said(created(place.locality)) for _ in range(30)]
    async with place.kernel().running():
        await place.say(*events)
        booked = await place.heard(topic(place.locality, "meeting-booked"), 30)
        heard = await place.heard(topic(place.locality, "referral-created"), 30)
    assert {r.key: r.partition for r in booked} == {r.key: r.partition for r in heard}
    assert len({r.partition for r in heard}) > 1


def test_outbox_row_has_time_of_decision() -> None:
    row = rows_of([Message("t", b"k", b"v", {})], new_id)[0].stored("lane", NOW + timedelta(seconds=1))
    assert row["at"] == NOW + timedelta(seconds=1)
