"""Sums equal a recount, however facts are repeated, reordered or spread over processes."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.partitioner import murmur2

from services.evaluation import definition as inbound
from services.evaluation.collections import SUMS, ensure_indexes
from services.evaluation.contributions.contribution import contribution_of
from services.evaluation.contributions.measures import MeasureKey
from services.evaluation.contributions.state import EvaluationState
from services.evaluation.reports.queries import FigureQueries
from services.evaluation.totals import repository as store
from services.evaluation.totals.repository import read_sums
from shared.contract.events import outcomes as o
from shared.contract.events.fact import Fact
from shared.contract.history import ListedSources, fold_referral
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import load_localities
from shared.platform.web.principal import Principal
from tests.harness.delivery.toy import Bench, bench
from tests.harness.evaluation.delivery import deliver_in_one_transaction, envelope
from tests.harness.evaluation.example_referrals import random_referral

PART = inbound.service_definition(load_localities())
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def sums_of(kernel: Kernel[Any, Any], locality: str) -> dict[MeasureKey, int]:
    sums = await kernel.transact(lambda tx: read_sums(tx, "0000-00", "9999-99"))
    return {key: number for key, number in sums.get(locality, {}).items() if number}


def recounted(facts: list[Fact]) -> dict[MeasureKey, int]:
    """Counts all facts at once, from scratch."""
    of_referral: dict[str, dict[tuple[str, str], Fact]] = {}
    for fact in facts:
        of_referral.setdefault(fact.body.referral_id, {})[fact.key] = fact
    counted: Counter[MeasureKey] = Counter()
    for facts_of_one in of_referral.values():
        counted.update(contribution_of(fold_referral(facts_of_one.values(), ListedSources())))
    return dict(counted)


def facts_in(locality: str, referrals: int, seed: int) -> list[Fact]:
    random = Random(seed)
    return [
        fact
        for number in range(1, referrals + 1)
        for fact in random_referral(random, seed * 10**6 + number, locality, START).facts
    ]


@pytest.fixture
def alone(mongo_url: str) -> Kernel[EvaluationState, None]:
    """A kernel on a database of its own, without a broker."""
    options = Options(
        kafka=KafkaConnection("localhost:1"),
        mongo_url=mongo_url,
        database=f"test_evaluation_{uuid4().hex[:12]}",
        dead_letter_key=b"a key for tests only",
    )
    return Kernel(PART, options, ["meir"])


async def test_sums_of_shuffled_repeated_facts_equal_the_recount(
    alone: Kernel[EvaluationState, None],
) -> None:
    await ensure_indexes(alone.mongo)
    random = Random(11)
    facts = facts_in("meir", 25, 1)
    delivered = [*facts, *random.choices(facts, k=60)]
    random.shuffle(delivered)
    while delivered:
        size = random.choice([1, 1, 2, 7, 40])
        await deliver_in_one_transaction(alone, delivered[:size])
        delivered = delivered[size:]
    assert await sums_of(alone, "meir") == recounted(facts)
    await alone.mongo.client.drop_database(alone.mongo.database.name)
    await alone.mongo.close()


async def test_sandbox_events_change_no_sum_and_no_figure(alone: Kernel[EvaluationState, None]) -> None:
    await ensure_indexes(alone.mongo)
    await deliver_in_one_transaction(alone, facts_in("meir", 20, 4))
    queries = FigureQueries(alone.mongo, load_localities(), lambda: START + timedelta(days=90))
    admin = Principal("ada", "programme_admin", frozenset({"meir", "sandbox"}), frozenset())
    analyst = replace(admin, role="analyst")
    before = [await queries.figures(admin), await queries.figures(analyst)]
    rows = [row async for row in alone.mongo[SUMS].find().sort("_id", 1)]
    await deliver_in_one_transaction(alone, facts_in("sandbox", 20, 5))
    assert [row async for row in alone.mongo[SUMS].find().sort("_id", 1)] == rows
    assert [await queries.figures(admin), await queries.figures(analyst)] == before
    assert before[0].places[0].journey[0].people == 19  # One of them was made in error.
    await alone.mongo.client.drop_database(alone.mongo.database.name)
    await alone.mongo.close()


async def counted_anew_at_the_start(
    alone: Kernel[EvaluationState, None], mongo_url: str, facts: list[Fact]
) -> None:
    """Starts the service on the documents of another version, and waits for the recount."""
    options = Options(
        KafkaConnection("localhost:1"), mongo_url, alone.mongo.database.name, b"a key for tests only"
    )
    async with Kernel(PART, options, []).running() as kernel:
        for _ in range(100):
            if await sums_of(kernel, "meir") == recounted(facts):
                break
            await asyncio.sleep(0.1)
        assert await sums_of(kernel, "meir") == recounted(facts)
    await alone.mongo.client.drop_database(alone.mongo.database.name)
    await alone.mongo.close()


async def test_sums_after_new_fold_version_drop_old_numbers(
    alone: Kernel[EvaluationState, None], mongo_url: str
) -> None:
    """A raised fold version counts stored referrals again, without reading Kafka."""
    await ensure_indexes(alone.mongo)
    facts = facts_in("meir", 20, 2)

    def counts_seven(facts: Any) -> EvaluationState:
        return EvaluationState(
            fold_referral(facts, ListedSources()), {MeasureKey("journey", "2020-01", "referred"): 7}
        )

    alone.definition = replace(PART, fold=counts_seven, fold_version=0)
    await deliver_in_one_transaction(alone, facts)
    assert await sums_of(alone, "meir") == {MeasureKey("journey", "2020-01", "referred"): 140}
    await counted_anew_at_the_start(alone, mongo_url, facts)


async def test_sums_count_documents_of_an_earlier_version(
    alone: Kernel[EvaluationState, None], mongo_url: str
) -> None:
    """The documents name their contribution differently, and their rows lie in another collection."""
    await ensure_indexes(alone.mongo)
    facts = facts_in("meir", 20, 4)
    await deliver_in_one_transaction(alone, facts)
    await alone.mongo["referrals"].update_many(
        {}, {"$rename": {"view.summed": "view.counted"}, "$set": {"fold": 2}}
    )
    await alone.mongo[SUMS].delete_many({})
    await counted_anew_at_the_start(alone, mongo_url, facts)


async def test_sums_of_two_processes_equal_the_recount(kafka: KafkaConnection, mongo_url: str) -> None:
    async with bench(kafka, mongo_url) as place:
        facts = facts_in(place.locality, 60, 3)
        retracted = next(fact for fact in facts if isinstance(fact.body, o.Retracted))
        delivered = [retracted, *facts, *Random(5).choices(facts, k=100)]
        Random(6).shuffle(delivered)
        first, second = place.kernel(PART), place.kernel(PART)
        await first.start()
        await ensure_indexes(first.mongo)
        await second.start()
        half = len(delivered) // 2
        await _publish(place, delivered[:half])
        await first.stop()
        await _publish(place, delivered[half:])
        expected = recounted(facts)
        for _ in range(150):
            if await sums_of(second, place.locality) == expected:
                break
            await asyncio.sleep(0.1)
        assert await sums_of(second, place.locality) == expected
        await second.stop()


async def _publish(place: Bench, facts: list[Fact]) -> None:
    sent = []
    for fact in facts:
        event = envelope(fact)
        sent.append(
            await place.producer.send(
                event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
            )
        )
    await asyncio.gather(*sent)


def test_shards_of_two_replicas_differ() -> None:
    """Referrals of different partitions never share a row, for topics of 1, 2, 3 or 6 partitions."""
    for partitions in (1, 2, 3, 6):
        of_row: dict[int, set[int]] = {}
        for _ in range(400):
            referral = str(uuid4())
            partition = (murmur2(referral.encode()) & 0x7FFFFFFF) % partitions
            of_row.setdefault(store.shard_of(referral), set()).add(partition)
        assert all(len(found) == 1 for found in of_row.values())


async def test_rows_do_not_grow_with_referrals(
    alone: Kernel[EvaluationState, None],
) -> None:
    await ensure_indexes(alone.mongo)
    rows: list[int] = []
    for start in range(0, 300, 100):
        await deliver_in_one_transaction(alone, facts_in("meir", 100, 100 + start))
        rows.append(await alone.mongo[SUMS].count_documents({}))
    assert await alone.mongo["referrals"].count_documents({}) == 300
    months = 6
    assert rows[-1] <= months * store.SHARDS
    assert rows[-1] - rows[1] < rows[0] / 10
    before = await sums_of(alone, "meir")
    await alone.mongo["referrals"].drop()
    assert await sums_of(alone, "meir") == before
    await alone.mongo.client.drop_database(alone.mongo.database.name)
    await alone.mongo.close()
