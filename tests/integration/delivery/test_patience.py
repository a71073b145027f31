"""Something away is waited for, however long; what never comes right is set aside and nothing beside it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from shared.contract.events.topics import topic
from shared.contract.events.vocabulary import Need
from shared.delivery.consumer import batch
from shared.delivery.consumer.batch import BatchHandler
from shared.delivery.dlq.dead_letters import DeadLetter, DeadLetters
from shared.delivery.kafka.producer import MAX_MESSAGE_BYTES
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.service_definition import Changed, Loaded, NoRepository
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.leases import Leases
from shared.delivery.outbox.rows import Message
from shared.delivery.unit_of_work.aggregate import MAX_BYTES
from shared.delivery.unit_of_work.context import ServiceContext
from tests.harness.delivery.toy import NOW, TOY, Bench, created, said
from tests.integration.delivery.test_unreadable import Raw


class Away:
    """A database that stays away for this many attempts, and then for good as the process stops."""

    def __init__(self, attempts: int, stopping: asyncio.Event) -> None:
        self.left = attempts
        self._stopping = stopping

    async def transact(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        self.left -= 1
        if self.left == 0:
            self._stopping.set()
        raise Transient


async def test_database_away_for_hours_loses_no_record(place: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,100 attempts are two hours. Nothing is set aside, nothing is committed, the pauses stay short."""
    pauses: list[float] = []

    async def rest(stopping: asyncio.Event, seconds: float, until: object = None) -> bool:
        pauses.append(seconds)
        return not stopping.is_set()

    monkeypatch.setattr(BatchHandler, "_pause", staticmethod(rest))
    stopping = asyncio.Event()
    away = Away(1100, stopping)
    context: ServiceContext[Any, Any] = ServiceContext(
        TOY,
        cast("Mongo", away),
        replace(place.options, dead_letter_key=b"a key for tests only"),
        clock=lambda: NOW,
        new_id=lambda: "",
        leases=cast("Leases", None),
        relay=place.kernel()._relay,
    )
    handler = BatchHandler(context, "meir")
    assert not await handler.handle([Raw()], stopping), "a batch that was not handled would be committed"
    assert away.left == 0
    assert handler.waits_for == "transient"
    assert len(pauses) == 1100, "after one of the attempts it was not waited for the database"
    assert max(pauses) <= 2.0
    assert handler.breaker.may_retry()


class NeverFor(NoRepository):
    """A store in which one sort of referral is always written by somebody else first."""

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        if any(change.after.created and Need.CRAFT in change.after.created.needs for change in changes):
            raise Conflict


async def test_record_in_endless_conflict_is_dead_lettered_alone(place: Bench) -> None:
    """Such as a key of our own that is there already: no waiting mends it."""
    events = [said(created(place.locality, needs=[Need.CRAFT if n == 4 else Need.DEBT])) for n in range(9)]
    await place.say(*events)
    async with place.kernel(replace(TOY, repository=NeverFor()), max_conflicts=2).running() as kernel:
        for n, event in enumerate(events):
            if n != 4:
                assert await kernel.wait_for(
                    place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 20
                )
        letters = await place.dead_letters(1)
    assert [dict(x.headers)["dlq-error-class"] for x in letters] == [b"Conflict"]


class Slow(NoRepository):
    """A store that takes its time with every referral."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: Any) -> None:
        await asyncio.sleep(0.1 * len(referrals))


async def test_batch_longer_than_transaction_is_halved(place: Bench) -> None:
    """MongoDB ends a transaction after a minute; here after a second, so that the test need not wait."""
    mongo = Mongo(place.mongo_url, "admin")
    lifetime = {"setParameter": 1, "transactionLifetimeLimitSeconds": 1}
    before = await mongo.database.command(lifetime)
    events = [said(created(place.locality)) for _ in range(20)]
    await place.say(*events)
    try:
        async with place.kernel(replace(TOY, repository=Slow()), transaction_seconds=1.0).running():
            booked = await place.heard(topic(place.locality, "meeting-booked"), 20, seconds=40)
    finally:
        await mongo.database.command(lifetime | {"transactionLifetimeLimitSeconds": before["was"]})
        await mongo.close()
    assert len({record.key for record in booked}) == 20


async def test_flood_about_one_referral_stops_no_other(place: Bench) -> None:
    """MongoDB refuses a document of over 16 MB: five such refusals in a row would have stopped the stream."""
    flooded = created(place.locality)
    body = json.loads(said(flooded).raw) | {"padding": "x" * 60_000}
    floods = [replace(said(flooded), raw=json.dumps(body | {"n": n}).encode()) for n in range(90)]
    other = said(created(place.locality))
    await place.say(*floods, other)
    async with place.kernel(replace(TOY, decisions=TOY.decisions)).running() as kernel:
        view = await kernel.wait_for(place.locality, other.body.referral_id, lambda v: v["meetings"] == 1, 20)
        assert view is not None
        assert view["meetings"] == 1
        letters = await place.dead_letters(90 - MAX_BYTES // 60_000)
        stored = await kernel.stored(place.locality, flooded.referral_id)
        assert stored is not None
        kept = sum(row["s"].endswith("/referral") for row in stored["facts"])
    assert {dict(x.headers)["dlq-reason"] for x in letters} == {b"too_many_facts"}
    assert kept + len(letters) == 90, "a fact is neither kept nor set aside"
    assert sum(len(row["b"]) for row in stored["facts"]) < MAX_BYTES + 60_000


def test_dead_letter_of_headers_only_fits_topic() -> None:
    """A third of a million of them take a megabyte on the bus and three as a letter."""
    record = Raw(headers=tuple(("\x00", None) for _ in range(330_000)))
    sealer = DeadLetters("matching", b"a key for tests only")
    message = sealer.seal(DeadLetter(record, "bad_header"))
    assert message.size < MAX_MESSAGE_BYTES
    assert sealer.open(message).headers is None
    assert sealer.open(message).sha256


def test_largest_whole_dead_letter_fits_topic() -> None:
    record = Raw(value=b"x" * 1_300_000, key=b"\xff" * 50, headers=(("x-note", b"\xff" * 100),))
    sealer = DeadLetters("matching", b"a key for tests only")
    message = sealer.seal(DeadLetter(record, "too_large"))
    assert message.size < MAX_MESSAGE_BYTES
    opened = sealer.open(Message.restore(message.stored()))
    assert (opened.value, opened.key, opened.headers) == (record.value, record.key, list(record.headers))


def test_backoff_grows_to_two_seconds() -> None:
    assert batch._backoff(1) < 0.03
    assert 1.0 <= batch._backoff(10_000) <= 2.0
