"""A table that a service follows: from its start, with the broker there or away, to each later version."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from bench.scale.table import write_table
from deploy.local.ports import free_port
from shared.delivery.control.publishing import publish_again, publish_table
from shared.delivery.control.table import Control, ControlTable
from shared.delivery.mongo.database import Mongo
from shared.platform.errors import CannotStart
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, load_localities
from shared.platform.localities.document import read_document
from shared.platform.localities.versions import Versions
from tests.harness.control import (
    BEGIN,
    NEW_PRACTICE,
    ControlTopic,
    control_topic,
    shipped,
    topic_name,
    until,
    version,
    with_practice,
    with_source,
    without_locality,
)

PRACTICES, SOURCES = with_practice(shipped()), with_source(shipped(), "hub", 25)


@dataclass
class Place:
    """A control topic, a service's database, and the clock of the service."""

    topic: ControlTopic
    mongo: Mongo
    now: datetime = BEGIN
    changes: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def following(
        self, served: str = "all", service: str = "a-test", **control: Any
    ) -> AsyncIterator[ControlTable]:
        """A table that is followed while the block runs."""
        where: dict[str, Any] = {"kafka": self.topic.kafka, "topic": self.topic.name}
        known = Localities.unread()
        table = ControlTable(
            service, served, Control(**where | {"wait_seconds": 5.0} | control), known, lambda: self.now
        )
        await table.start(self.mongo, lambda: self.changes.append(known.version))
        try:
            yield table
        finally:
            await table.stop()


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Place]:
    async with control_topic(kafka) as topic:
        mongo = Mongo(mongo_url, f"test_{topic.name.replace('.', '_')}")
        yield Place(topic, mongo)
        await mongo.client.drop_database(mongo.database.name)
        await mongo.close()


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"linkwork_control_{name}", labels) or 0.0


def comes(table: ControlTable, number: int) -> Callable[[], bool]:
    return lambda: table.localities.version == number


async def test_table_of_a_country_is_published_and_read(place: Place, tmp_path: Path) -> None:
    """Its record is larger than a broker takes, before it is compressed."""
    file, slugs = write_table(tmp_path, 1_700)
    document = read_document(file)
    assert len(json.dumps(document)) > 1_048_588
    await publish_table(place.topic.kafka, place.topic.name, document, "a test", BEGIN)
    async with place.following(wait_seconds=60.0) as table:
        assert [slug for slug in table.slugs if slug in set(slugs)] == slugs


async def test_table_is_read_to_its_end_then_followed(place: Place) -> None:
    await place.topic.publish(version(1, shipped()), version(2, PRACTICES))
    async with place.following(service="follower") as table:
        assert table.detail() == {"version": 2, "newest": 2, "from": "topic"}
        assert len(table.slugs) == 9
        rank = table.localities.rank
        await place.topic.publish(version(3, with_source(PRACTICES, "hub", 25)))
        await until(comes(table, 3), "version 3")
        assert rank("/meir/hub") == 25
        assert table.localities.of_practice(NEW_PRACTICE) is not None
        assert place.changes == [3]
        assert metric("version", service="follower") == 3
        assert metric("unread", service="follower") == 0


async def test_refused_version_leaves_the_former_in_force(place: Place, caplog: Any) -> None:
    await place.topic.publish(version(1, shipped()))
    async with place.following(service="refuser") as table:
        await place.topic.publish(
            b"not a version",
            version(1, SOURCES),
            version(2, without_locality(shipped(), "longton")),
            version(3, PRACTICES),
        )
        await until(comes(table, 3), "version 3")
        assert "longton" in table.localities.by_slug
    for reason in ("unreadable", "conflicting", "locality_removed"):
        assert metric("refused_total", service="refuser", reason=reason) == 1
    assert "has no locality longton" in caplog.text


async def test_version_waits_for_its_time(place: Place) -> None:
    await place.topic.publish(version(1, shipped()), version(2, PRACTICES, hours=2))
    async with place.following() as table:
        assert table.detail() == {"version": 1, "newest": 2, "from": "topic"}
        place.now += timedelta(hours=2)
        await until(comes(table, 2), "the time of version 2")
        assert table.localities.of_practice(NEW_PRACTICE) is not None


async def test_start_without_broker_takes_stored_versions(place: Place) -> None:
    await place.topic.publish(version(1, shipped()), version(2, PRACTICES), version(3, SOURCES, hours=1))
    async with place.following():
        pass
    away = place.topic.kafka.at(f"127.0.0.1:{free_port()}")
    async with place.following(service="stored", kafka=away, wait_seconds=0.5) as table:
        assert table.detail() == {"version": 2, "newest": 3, "from": "stored"}
        assert table.live
        assert metric("unread", service="stored") == 1
        place.now += timedelta(hours=1)
        await until(comes(table, 3), "the time of version 3, which is stored")


async def test_start_without_broker_and_store_waits(place: Place) -> None:
    away = place.topic.kafka.at(f"127.0.0.1:{free_port()}")
    table = ControlTable(
        "waiter", "all", Control(away, "none", wait_seconds=0.1), Localities.unread(), lambda: BEGIN
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(table.start(place.mongo, lambda: None), 1.0)
    assert table.slugs == ()
    await table.stop()


async def test_missing_topic_falls_back_to_the_file_in_development(place: Place) -> None:
    name = topic_name()
    async with place.following(topic=name, fallback=load_localities()) as table:
        assert table.detail() == {"version": 0, "newest": 0, "from": "file"}
        assert len(table.slugs) == 9


async def test_empty_topic_is_followed_once_it_is_filled(place: Place) -> None:
    async with place.following(fallback=load_localities()) as table:
        assert table.detail()["from"] == "file"
        await place.topic.publish(version(1, PRACTICES))
        await until(comes(table, 1), "version 1")
        assert table.detail()["from"] == "topic"


async def test_unknown_locality_of_the_setting_ends_the_start(place: Place) -> None:
    await place.topic.publish(version(1, shipped()))
    with pytest.raises(CannotStart, match="no locality atlantis"):
        async with place.following("atlantis"):
            pass


async def test_lost_topic_is_published_again_from_its_export(place: Place) -> None:
    first, second = version(1, shipped()), version(2, PRACTICES)
    await place.topic.publish(first, second)
    async with place.following():
        pass
    export = Versions()
    for each in (first, second):
        export.offer(each.encoded())
    async with control_topic(place.topic.kafka) as fresh:
        await fresh.publish(first)
        async with place.following(service="lost", topic=fresh.name) as table:
            assert table.localities.version == 2
            assert metric("unread", service="lost") == 1
            assert await publish_again(fresh.kafka, fresh.name, export) == [second]
            assert await publish_again(fresh.kafka, fresh.name, export) == []
        async with place.following(service="lost", topic=fresh.name) as table:
            assert metric("unread", service="lost") == 0
