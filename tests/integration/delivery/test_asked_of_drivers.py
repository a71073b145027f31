"""Requests to the drivers whose effect a single broker and database cannot show."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiokafka import AIOKafkaProducer

from shared.delivery.kafka.producer import Producer
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from tests.harness.delivery.asked import Commands
from tests.harness.delivery.toy import NOW, Bench
from tests.integration.delivery.test_outbox import message

ALL = -1
MAJORITY = {"w": "majority", "j": True}


@pytest_asyncio.fixture
async def mongo(commands: Commands, place: Bench) -> AsyncIterator[Mongo]:
    connection = Mongo(place.mongo_url, place.options.database)
    yield connection
    await connection.close()


async def test_relay_reads_with_majority_concern(commands: Commands, place: Bench) -> None:
    kernel = place.kernel()
    relay = kernel._relay
    row = {"_id": "1", "lane": relay.lane, "at": NOW, "m": [message(place).stored()]}
    await kernel.mongo[OUTBOX].insert_one(row)
    assert await relay.publish_page(relay._own, {"lane": relay.lane, "not_before": None})
    (find,) = [command for command in commands.of("find") if command["find"] == OUTBOX]
    assert find["readConcern"]["level"] == "majority"
    await relay._own.close()
    await kernel.mongo.close()


async def test_transaction_reads_snapshot_and_commits_to_majority(commands: Commands, mongo: Mongo) -> None:
    await mongo.make(["things"])

    async def work(tx: Transaction) -> None:
        await tx["things"].find_one({}, session=tx.session)
        await tx["things"].insert_one({"_id": 1}, session=tx.session)

    await mongo.transact(work)
    (find,), (commit,) = commands.of("find"), commands.of("commitTransaction")
    assert find["startTransaction"]
    assert find["readConcern"]["level"] == "snapshot"
    assert commit["writeConcern"] == MAJORITY


async def test_write_outside_transaction_is_acknowledged_by_majority(
    commands: Commands, mongo: Mongo
) -> None:
    await mongo["things"].insert_one({"_id": 1})
    await mongo.light("things").delete_one({"_id": 1})
    assert [command["writeConcern"] for command in commands.of("insert")] == [MAJORITY]
    assert [command["writeConcern"] for command in commands.of("delete")] == [{"w": 1}], "may be forgotten"


async def test_publish_waits_for_all_replicas(place: Bench) -> None:
    publisher = Producer(place.kafka)
    assert await publisher.publish([message(place)]) == [None]
    producer: AIOKafkaProducer = publisher._producer
    assert producer._sender._acks == ALL
    assert producer._txn_manager is not None, "what it sends again could be kept twice, and out of order"
    await publisher.close()
