"""Our own stores: what was written outlives kills, restarts and another port."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from deploy.local.ports import free_port
from tests.harness.local.started import Started, alive, start

pytestmark = pytest.mark.long

TOPIC = "meir.referral-created.v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def ports(started: Started) -> dict[str, int]:
    read: dict[str, int] = json.loads((started.state / "ports.json").read_text())
    return read


def mongo_client(started: Started) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(f"mongodb://127.0.0.1:{ports(started)['mongod']}/?replicaSet=linkwork")


async def write(started: Started, number: int) -> None:
    async with mongo_client(started) as client:
        kept = client.get_database("kept", write_concern=WriteConcern("majority")).numbers
        await kept.insert_one({"_id": number})
    async with AIOKafkaProducer(**started.kafka().client_arguments(), acks="all") as producer:
        await producer.send_and_wait(TOPIC, str(number).encode(), partition=0)


async def read(started: Started) -> tuple[list[int], list[int]]:
    async with mongo_client(started) as client:
        numbers = [found["_id"] async for found in client.kept.numbers.find().sort("_id")]
    partition = TopicPartition(TOPIC, 0)
    async with AIOKafkaConsumer(**started.kafka().client_arguments()) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        records = [int((await consumer.getone()).value) for _ in range(end)]
    return numbers, records


async def test_stored_data_survives_kills_restarts_and_another_port(folder: Path) -> None:
    first = start(folder)
    try:
        first.until("is ready")
        await write(first, 1)
        left_behind = {first.child(store): store for store in ("mongod", "kafka.Kafka")}
        children = first.children()
        os.kill(first.child("deploy.local.reaper"), signal.SIGKILL)
    finally:
        first.end(signal.SIGKILL)
    assert set(left_behind) <= set(alive(children))
    other = free_port()
    (folder / "ports.json").write_text(json.dumps(ports(first) | {"mongod": other}))

    second = start(folder)
    try:
        second.until("is ready")
        assert alive(children) == []
        assert ports(second)["mongod"] == other
        assert await read(second) == ([1], [1])
        await write(second, 2)

        os.kill(second.child("mongod"), signal.SIGKILL)
        second.until("MongoDB answers again")
        os.kill(second.child("kafka.Kafka"), signal.SIGKILL)
        second.until("Kafka answers again")
        assert await read(second) == ([1, 2], [1, 2])
        children = second.children()
    finally:
        assert second.end() == 0
    assert alive(children) == []


async def test_supervisor_killed_during_start_ends_its_stores(folder: Path) -> None:
    started = start(folder)
    started.until("MongoDB answers")
    children = started.children()
    started.end(signal.SIGKILL)
    again = start(folder)
    try:
        again.until("is ready")
        assert alive(children) == []
    finally:
        assert again.end() == 0
