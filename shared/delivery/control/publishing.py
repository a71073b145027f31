"""Publishes versions of the table. The operator alone may write the control topic."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.contract.programme_authority import faults
from shared.delivery.control.log import read_control
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities
from shared.platform.localities.differences import differences
from shared.platform.localities.document import Document
from shared.platform.localities.entries import LocalitiesError
from shared.platform.localities.loading import SAYS, document_says
from shared.platform.localities.ownership import with_hand_overs_of
from shared.platform.localities.versions import TableVersion, VersionRefused, Versions, made_version

Change = Callable[[Document], Document]
# Hand-overs of so many localities may publish at the same moment.
_MOST_ATTEMPTS: Final = 20
# Bytes, before compression. A service stores each version in a document of its database, of 16 MB at most.
_LARGEST_TABLE: Final = 12_000_000


@dataclass(frozen=True)
class Standing:
    """The topic as a reader judges it: the versions that stand, and the reasons against the others."""

    versions: Versions = field(default_factory=Versions)
    refused: list[VersionRefused] = field(default_factory=list)


@dataclass(frozen=True)
class Published:
    """A published version, with its differences from the newest one before it in words."""

    version: TableVersion
    changes: list[str]


async def standing_versions(kafka: KafkaConnection, topic: str) -> Standing:
    """Reads the whole topic.

    Raises:
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    found = Standing()
    for record in await read_control(kafka, topic):
        try:
            found.versions.offer(record)
        except VersionRefused as refused:
            found.refused.append(refused)
    return found


def next_version(
    versions: Versions, document: Document, author: str, now: datetime, in_force_from: datetime | None = None
) -> TableVersion | None:
    """The version by which this table would follow the newest; None if the newest holds the same table.

    Owners and hand-overs under way stay as they stand: `change_table` alone changes them.

    Raises:
        VersionRefused: no reader would accept it, or it says something else of owners and hand-overs.
    """
    newest = versions.newest
    if newest is not None:
        if in_force_from is not None and in_force_from > now and newest.under_way():
            raise VersionRefused(
                "hand_over_under_way",
                "A part is being handed over, by a version that follows at once: publish this one after it.",
            )
        try:
            document = with_hand_overs_of(document, newest.document)
        except LocalitiesError as wrong:
            raise VersionRefused("ownership_changed", str(wrong)) from None
    return _following(versions, document, author, now, in_force_from)


def _following(
    versions: Versions, document: Document, author: str, now: datetime, in_force_from: datetime | None
) -> TableVersion | None:
    newest = versions.newest
    if newest is not None and newest.document == document:
        return None
    number = newest.number + 1 if newest else 1
    version = made_version(number, author, now, in_force_from or now, document)
    if (wrong := next(authority_faults(document, f"version {number}"), None)) is not None:
        raise VersionRefused("invalid_table", wrong)
    versions.offer(version.encoded())
    return version


def authority_faults(document: Document, name: str) -> Iterator[str]:
    """Faults of a document's table of who may say what. Raises LocalitiesError if it is no table."""
    says = document_says(document, name)
    if says is not None:
        yield from (f"{name}, programme, {SAYS}: {fault}" for fault in faults(says))


async def publish_table(
    kafka: KafkaConnection,
    topic: str,
    document: Document,
    author: str,
    now: datetime,
    in_force_from: datetime | None = None,
) -> Published | None:
    """Publishes this table as the next version, if it differs from the newest.

    Returns:
        None if the newest version holds the same table.

    Raises:
        VersionRefused: no reader would accept it; nothing was published. Or another version was published
            at the same moment under this number; publish again.
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    versions = (await standing_versions(kafka, topic)).versions
    newest = versions.newest
    version = next_version(versions, document, author, now, in_force_from)
    return None if version is None else await _published(kafka, topic, version, newest)


async def change_table(
    kafka: KafkaConnection, topic: str, change: Change, author: str, now: datetime
) -> Published | None:
    """Publishes the table in force with a change, in force at once.

    `change` is asked again if another version was published at the same moment.

    Returns:
        None if `change` changes nothing.

    Raises:
        VersionRefused: no reader would accept it, or there is no version; nothing was published.
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    for attempt in range(_MOST_ATTEMPTS):
        versions = (await standing_versions(kafka, topic)).versions
        standing = versions.standing(now)
        if standing is None:
            raise VersionRefused("empty", "The control topic is empty: publish a table.")
        document = change(standing.document)
        version = None if document == standing.document else _following(versions, document, author, now, None)
        if version is None:
            return None
        try:
            return await _published(kafka, topic, version, standing)
        except VersionRefused as refused:
            if refused.code != "conflicting" or attempt + 1 == _MOST_ATTEMPTS:
                raise
    raise AssertionError  # Not reached: the last attempt returns or raises.


def base_of(
    versions: Versions, now: datetime, in_force_from: datetime | None, *, supersedes: bool = False
) -> TableVersion:
    """The version that a change follows: the one in force then. `supersedes`: the newest, which it may end.

    Raises:
        VersionRefused: there is none; or another version waits for a later time, and this one would end it.
    """
    newest, standing = versions.newest, versions.standing(now)
    if newest is None or standing is None:
        raise VersionRefused("empty", "The control topic is empty: publish a table.")
    if supersedes:
        return newest
    if newest.in_force_from <= max(now, newest.made_at):
        return standing
    if in_force_from is None or in_force_from < newest.in_force_from:
        raise VersionRefused(
            "another_waits",
            f"Version {newest.number} waits until {newest.in_force_from.isoformat()}: choose a later time, or"
            " take that version back first.",
        )
    return newest


async def publish_change(
    kafka: KafkaConnection,
    topic: str,
    change: Change,
    author: str,
    now: datetime,
    in_force_from: datetime | None = None,
    *,
    supersedes: bool = False,
    prepare: Callable[[Localities], Awaitable[None]] | None = None,
) -> Published | None:
    """Publishes the table with a change, which an administrator asked for. Owners stay as they stand.

    `supersedes`: the change ends a version that waits for its time.
    `prepare`: gives the new table's users, rights and topics, before any service reads it.

    Returns:
        None if `change` changes nothing.

    Raises:
        VersionRefused: no reader would accept it, or another version waits; nothing was published.
        LocalitiesError: `change` makes no sense in the table as it stands; nothing was published.
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    for attempt in range(_MOST_ATTEMPTS):
        versions = (await standing_versions(kafka, topic)).versions
        base = base_of(versions, now, in_force_from, supersedes=supersedes)
        document = change(base.document)
        version = (
            None
            if document == base.document
            else next_version(versions, document, author, now, in_force_from)
        )
        if version is None:
            return None
        if prepare is not None:
            await prepare(version.localities)
        try:
            return await _published(kafka, topic, version, base)
        except VersionRefused as refused:
            if refused.code != "conflicting" or attempt + 1 == _MOST_ATTEMPTS:
                raise
    raise AssertionError  # Not reached: the last attempt returns or raises.


async def _published(
    kafka: KafkaConnection, topic: str, version: TableVersion, before: TableVersion | None
) -> Published:
    await _publish(kafka, topic, [version])
    if version not in list((await standing_versions(kafka, topic)).versions):
        raise VersionRefused(
            "conflicting", f"Another version {version.number} was published at the same moment."
        )
    return Published(version, differences(before.document, version.document) if before else [])


async def publish_again(kafka: KafkaConnection, topic: str, export: Versions) -> list[TableVersion]:
    """Publishes the versions of an export that the topic lacks; returns them.

    Raises:
        VersionRefused: one of them contradicts the topic; nothing was published.
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    standing = (await standing_versions(kafka, topic)).versions
    there = {version.number for version in standing}
    missing = [version for version in export if version.number not in there]
    for version in export:
        standing.offer(version.encoded())
    await _publish(kafka, topic, missing)
    return missing


async def _publish(kafka: KafkaConnection, topic: str, versions: Sequence[TableVersion]) -> None:
    producer = AIOKafkaProducer(
        **kafka.client_arguments(),
        enable_idempotence=True,
        # A country's table is larger than a record may be, and a thirtieth of that when compressed.
        compression_type="gzip",
        max_request_size=_LARGEST_TABLE,
    )
    await producer.start()
    try:
        for version in versions:
            await producer.send_and_wait(topic, version.encoded())
    finally:
        await producer.stop()
