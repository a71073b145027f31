"""Several processes of one part: nothing lost, nothing doubled while they come and go."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contract.events.fact import Fact
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import group, topic
from shared.contract.events.vocabulary import Channel
from shared.contract.history import ReferralHistory
from shared.delivery.consumer.topic_consumer import _Listener
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.delivery.model.errors import IdempotencyMismatch
from shared.delivery.model.service_definition import Loaded, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.commands import Idempotency
from shared.delivery.unit_of_work.unit_of_work import TASKS
from shared.platform import metrics
from tests.harness.delivery.toy import TOY, Bench, book, created, locality_name, said


async def test_referrals_while_replicas_come_and_go_are_answered_once(place: Bench) -> None:
    events = [said(created(place.locality)) for _ in range(300)]

    async def feed() -> None:
        for event in events:
            await place.say(event)
            await asyncio.sleep(0.01)

    async with place.kernel().running():
        feeding = asyncio.create_task(feed())
        for _ in range(3):
            async with place.kernel().running():
                await asyncio.sleep(0.7)
        await feeding
        booked = await place.heard(topic(place.locality, "meeting-booked"), 300, seconds=20)
    answers = Counter(record.key for record in booked)
    assert set(answers) == {e.body.referral_id.encode() for e in events}
    ids = {dict(record.headers)["ce_id"] for record in booked}
    assert len(ids) == 300, "a referral was answered twice under different ids"


async def test_commit_with_lost_partition_commits_others(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        stream = kernel._consumers[0]
        record = (await place.heard(topic(place.locality, "referral-created"), 1))[0]
        lost = replace(record, topic="another.referral-created.v1")
        later = replace(record, offset=record.offset + 5)  # further than the kernel itself has committed
        stream.note_handled([lost, later])
        await stream.commit_handled()
        assert stream.consumer is not None
        partition = TopicPartition(record.topic, record.partition)
        assert await stream.consumer.committed(partition) == later.offset + 1


@pytest.mark.parametrize("when", ["partitions are taken away", "the process stops"])
async def test_rebalance_commits_handled_records_first(place: Bench, when: str) -> None:
    """Else whoever comes next reads it all again, however much that is."""
    event = said(created(place.locality))
    kernel = place.kernel(commit_seconds=60.0)
    async with kernel.running():
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        record = (await place.heard(topic(place.locality, "referral-created"), 1))[0]
        partition = TopicPartition(record.topic, record.partition)
        stream = kernel._consumers[0]
        assert stream.consumer is not None
        assert await stream.consumer.committed(partition) is None
        if when == "partitions are taken away":
            await _Listener(stream).on_partitions_revoked({partition})
            assert await stream.consumer.committed(partition) == record.offset + 1
    group_of = group(place.locality, "matching")
    other = AIOKafkaConsumer(**place.kafka.client_arguments(), group_id=group_of, enable_auto_commit=False)
    await other.start()
    assert await other.committed(partition) == record.offset + 1
    await other.stop()


def ring_up(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    return Decision(
        [
            ContactAttempted(
                referral_id=context.referral_id,
                locality=context.locality,
                channel=Channel.PHONE,
                reached=False,
            )
        ]
    )


async def test_concurrent_commands_on_referral_all_take_effect(place: Bench) -> None:
    body = created(place.locality)
    async with place.kernel().running() as one, place.kernel().running() as two:
        await place.say(said(body))
        await one.wait_for(place.locality, body.referral_id, lambda v: v["contacts"] == 1, 10)
        kernels = [one, two] * 6
        await asyncio.gather(*(k.command(place.locality, body.referral_id, ring_up) for k in kernels))
        view = await one.view(place.locality, body.referral_id)
        assert view is not None
        assert len(view.contacts) == 13
        outcomes = await place.heard(topic(place.locality, "outcome-recorded"), 13)
        assert len({dict(r.headers)["ce_id"] for r in outcomes}) == 13


async def test_command_with_key_takes_effect_once(place: Bench) -> None:
    body = created(place.locality)

    def open_it(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision([body])

    def answer(story: ReferralHistory, facts: object) -> dict[str, int]:
        return {"meetings": len(story.meetings)}

    key = Idempotency("somebody", "POST /referrals", "k1", b"digest")
    async with place.kernel().running() as kernel:
        results = await asyncio.gather(
            *(
                kernel.command(place.locality, body.referral_id, open_it, idempotency=key, answer=answer)
                for _ in range(5)
            )
        )
        assert sorted(r.replayed for r in results) == [False, True, True, True, True]
        assert {r.reply["meetings"] for r in results} == {1}
        other = Idempotency("somebody", "POST /referrals", "k1", b"another request")
        try:
            await kernel.command(place.locality, body.referral_id, open_it, idempotency=other)
        except IdempotencyMismatch:
            pass
        else:
            raise AssertionError("another request under the same key was taken")


async def test_key_of_other_caller_or_route_is_another_key(place: Bench) -> None:
    body = created(place.locality)
    asked = [Idempotency(who, route, "k1", b"digest") for who in ("ann", "bob") for route in ("/a", "/b")]
    async with place.kernel().running() as kernel:
        done = [
            await kernel.command(place.locality, body.referral_id, ring_up, idempotency=key) for key in asked
        ]
    assert [one.replayed for one in done] == [False] * 4


async def test_task_in_two_processes_takes_effect_once_and_in_time(place: Bench) -> None:
    def book_and_ask(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        booked = book(story, resources, context)
        late = ScheduledTask("late", "x", context.now, not_after=context.now.replace(year=2000))
        return Decision(booked.facts, tasks=[*booked.tasks, late])

    def late(story: ReferralHistory, resources: None, context: DecisionContext, row: TaskRow) -> Decision:
        raise AssertionError("too late")

    part = replace(TOY, decisions={"referral_created": book_and_ask}, tasks={**TOY.tasks, "late": late})
    events = [said(created(place.locality)) for _ in range(40)]
    async with place.kernel(part).running() as one, place.kernel(part).running():
        await place.say(*events)
        for event in events:
            view = await one.wait_for(
                place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10
            )
            assert view is not None
            assert view["contacts"] == 1
        await _until_none_due(one)
        outcomes = await place.heard(topic(place.locality, "outcome-recorded"), 40)
        assert len({dict(r.headers)["ce_id"] for r in outcomes}) == 40


async def _until_none_due(kernel: Kernel[ReferralHistory, None]) -> None:
    for _ in range(100):
        if await kernel.mongo[TASKS].count_documents({}) == 0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("due rows were left")


async def test_process_without_lease_asks_the_one_that_decides(place: Bench) -> None:
    part = replace(TOY, exclusive="booker")
    events = [said(created(place.locality)) for _ in range(60)]
    async with place.kernel(part).running() as one, place.kernel(part).running() as two:
        assert [one._context.may_decide(place.locality), two._context.may_decide(place.locality)] == [
            True,
            False,
        ]
        await place.say(*events)
        for event in events:
            view = await one.wait_for(
                place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 15
            )
            assert view is not None
            assert view["meetings"] == 1


async def test_new_fold_version_reprojects_stored_referrals(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)

    def with_stage_only(story: ReferralHistory) -> dict[str, str]:
        return {"new": story.created.age_band if story.created else "none"}

    part = replace(TOY, to_document=with_stage_only, fold_version=2)
    # It listens elsewhere: a repeat would fold it anew as well.
    async with Kernel(part, place.options, [locality_name()]).running() as later:
        view = await later.wait_for(place.locality, event.body.referral_id, lambda v: "new" in v, 10)
        assert view == {"new": "65-74"}
        assert [isinstance(f, Fact) for f in await later.facts(place.locality, event.body.referral_id)] == [
            True
        ] * 3


async def test_rebalance_waits_for_batch_in_hand(place: Bench) -> None:
    class Slow(NoRepository):
        async def load(
            self, tx: Transaction, referrals: Sequence[Loaded[ReferralHistory]], now: datetime
        ) -> None:
            if referrals:
                in_hand.set()
                await asyncio.sleep(1.5)

    in_hand = asyncio.Event()
    part = replace(TOY, repository=Slow(), tasks={}, decisions={"referral_created": nothing})
    events = [said(created(place.locality)) for _ in range(30)]
    async with place.kernel(part).running() as one:
        await place.say(*events)
        await in_hand.wait()
        async with place.kernel(part).running() as two:
            for kernel in (one, two):
                while not (kernel._consumers[0].consumer and kernel._consumers[0].consumer.assignment()):
                    await asyncio.sleep(0.05)
            await asyncio.sleep(4)
    repeats = metrics.events_consumed.labels("matching", "referral-created", place.locality, "duplicate")
    new = metrics.events_consumed.labels("matching", "referral-created", place.locality, "ok")
    assert (new._value.get(), repeats._value.get()) == (30, 0)


def nothing(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    return NOTHING


async def test_facts_of_referral_reach_same_replica(place: Bench) -> None:
    """The three topics have the same partitions: whoever has the first of one has the first of all."""
    async with place.kernel().running() as one, place.kernel().running() as two:
        held: list[set[TopicPartition]] = []
        for _ in range(200):
            held = [k._consumers[0].consumer.assignment() for k in (one, two) if k._consumers[0].consumer]
            if len(held) == 2 and all(held) and sum(map(len, held)) == 9:
                break
            await asyncio.sleep(0.1)
        assert sum(map(len, held)) == 9
        for partitions in held:
            numbers = {p.partition for p in partitions}
            assert len(partitions) == 3 * len(numbers)
