"""Versions of the table for tests: invented changes of the shipped file, and topics of their own."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from shared.delivery.kafka.topics import create_topics
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE
from shared.platform.localities.document import read_document
from shared.platform.localities.versions import TableVersion, made_version

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
# Of the shipped register, and in no locality of the shipped file.
NEW_PRACTICE = "M83007"
Document = dict[str, Any]


def shipped() -> Document:
    """The document of the shipped file, to be changed by a test."""
    return copy.deepcopy(dict(read_document(LOCALITIES_FILE)))


def locality_of(document: Document, slug: str = "meir") -> Document:
    """The entry of a locality."""
    found: Document = next(each for each in document["locality"] if each["slug"] == slug)
    return found


def with_practice(document: Document, slug: str = "meir", ods: str = NEW_PRACTICE) -> Document:
    """The document with a further practice in a locality."""
    made = copy.deepcopy(document)
    locality_of(made, slug)["practices"].append({"ods": ods, "site": "The Village Surgery"})
    return made


def with_source(document: Document, name: str, rank: int, slug: str = "meir") -> Document:
    """The document with a source of this rank in a locality, new or changed."""
    made = copy.deepcopy(document)
    sources = locality_of(made, slug).setdefault("sources", [])
    sources[:] = [each for each in sources if each["name"] != name]
    sources.append({"name": name, "part": "partner", "rank": rank, "vault": "https://vault.partner.example/"})
    return made


def with_part(
    document: Document,
    name: str,
    part: str,
    slug: str = "meir",
    api: str | None = None,
    rank: int | None = None,
) -> Document:
    """The document with a partner's source that brings a part in a locality, of the rank of ours."""
    made = copy.deepcopy(document)
    if rank is None:
        rank = next((each["rank"] for each in made["programme"]["sources"] if each["name"] == part), 15)
    sources = locality_of(made, slug).setdefault("sources", [])
    sources[:] = [each for each in sources if each["name"] != name]
    row = {"name": name, "part": part, "rank": rank, "vault": "own", **({"api": api} if api else {})}
    sources.append(row)
    return made


def without_locality(document: Document, slug: str) -> Document:
    """The document without a locality."""
    return {**document, "locality": [each for each in document["locality"] if each["slug"] != slug]}


def version(number: int, document: Mapping[str, Any], **after: float) -> TableVersion:
    """A version in force from BEGIN, or so long after it."""
    return made_version(number, "a-test", BEGIN, BEGIN + timedelta(**after), document)


def topic_name() -> str:
    """A control topic that no other test has."""
    return f"linkwork.control-{uuid4().hex[:10]}.v1"


@dataclass(frozen=True)
class ControlTopic:
    """A control topic of the test's own."""

    kafka: KafkaConnection
    name: str
    producer: AIOKafkaProducer

    async def publish(self, *records: TableVersion | bytes) -> None:
        """Publishes versions, or records as they are."""
        for record in records:
            raw = record if isinstance(record, bytes) else record.encoded()
            await self.producer.send_and_wait(self.name, raw)


@asynccontextmanager
async def control_topic(kafka: KafkaConnection) -> AsyncIterator[ControlTopic]:
    """Makes a control topic."""
    name = topic_name()
    await create_topics(kafka, [], control=name)
    async with AIOKafkaProducer(**kafka.client_arguments()) as producer:
        yield ControlTopic(kafka, name, producer)


async def until(true: Callable[[], Any], what: str, seconds: float = 10.0) -> None:
    """Waits until it is so; fails, naming it, after so many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end, f"still waiting: {what}"
        await asyncio.sleep(0.02)
