"""Gathers the evidence when the load has ended: rest, dead letters, diaries, figures."""

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from chaos.evidence import Opened, Taken
from chaos.log import Client, Entry, inboxes_of, partitions_of, read_all, topics_of
from chaos.reconcile import PARTS

Mongo = AsyncMongoClient[dict[str, Any]]
HOUR = timedelta(hours=1)
# A task due later than this is not late work: a reminder, a retry tomorrow.
SOON = timedelta(minutes=2)


async def stuck(mongo: Mongo, now: datetime) -> dict[str, int]:
    """Numbers of rows that wait or have failed, by collection."""
    found: dict[str, int] = {}
    for part in PARTS:
        database = mongo[f"linkwork_{part}"]
        found[f"{part}: outbox"] = await database["outbox"].count_documents({})
        found[f"{part}: outbox, set aside"] = await database["outbox_dead_letters"].count_documents({})
        found[f"{part}: outbox, of an ended epoch"] = await database["outbox_set_aside"].count_documents({})
        found[f"{part}: parts not looked at"] = await database["ownership"].count_documents(
            {"$or": [{"decides": True, "looked": False}, {"held": True}]}
        )
        at_once = {"what": "kernel.decide"}  # At any due time.
        found[f"{part}: outbox, of an ended epoch"] = await database["outbox_set_aside"].count_documents({})
        due = {"$match": {"$or": [{"at": {"$lte": now + SOON}}, at_once]}}
        by = {"$group": {"_id": {"what": "$what", "why": "$why"}, "rows": {"$sum": 1}}}
        async for row in await database["scheduled_tasks"].aggregate([due, by]):
            found[f"{part}: due work, {row['_id']['what']}, {row['_id'].get('why', 'begun')}"] = row["rows"]
    failed = {"code": {"$nin": ["not_safe", "vault_elsewhere", "no_channel", "no_mailbox"]}}
    ledger = mongo["linkwork_notifications"]["sent"]
    found["notifications: messages given up"] = await ledger.count_documents({"status": "failed", **failed})
    return found


async def put_off(mongo: Mongo, now: datetime) -> frozenset[str]:
    """Names of messages due soon after an hour, as a clock that was wrong by an hour set them."""
    rows = mongo["linkwork_notifications"]["scheduled_tasks"].find(
        {"what": "message", "at": {"$lte": now + 2 * HOUR}}
    )
    return frozenset([str(row["about"]) async for row in rows])


async def lag(client: Client, localities: Sequence[str], inboxes: Sequence[str] = ()) -> dict[str, int]:
    """Records that each group has not handled yet. `inboxes`: those of partners that own a part."""
    admin = AIOKafkaAdminClient(**client)
    consumer = AIOKafkaConsumer(**client)
    await asyncio.gather(admin.start(), consumer.start())
    found: dict[str, int] = {}
    try:
        for locality in localities:
            partitions = await partitions_of(client, topics_of([locality]))
            ends = await consumer.end_offsets(partitions)
            for part in PARTS:
                group = f"{locality}.{part}"
                found[group] = await _behind(admin, group, ends)
        of_partners = await partitions_of(client, [*inboxes_of(localities), *inboxes])
        judged = await consumer.end_offsets(of_partners)
        found["admission"] = await _behind(admin, "linkwork.admission", judged)
    finally:
        await asyncio.gather(admin.close(), consumer.stop())
    return found


async def _behind(admin: AIOKafkaAdminClient, group: str, ends: Mapping[TopicPartition, int]) -> int:
    committed = await admin.list_consumer_group_offsets(group, partitions=list(ends))
    return sum(
        end - max(committed[partition].offset if partition in committed else 0, 0)
        for partition, end in ends.items()
    )


async def rest(
    mongo: Mongo,
    client: Client,
    localities: Sequence[str],
    clock: Any,
    within: float,
    inboxes: Sequence[str] = (),
) -> tuple[dict[str, int], dict[str, int]]:
    """Waits until no work is under way. Returns the remaining lag and rows if time runs out."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        try:
            behind, waiting = await lag(client, localities, inboxes), await stuck(mongo, clock())
        except PyMongoError:
            behind, waiting = {"database": 1}, {}
        if loop.time() > end or (not any(behind.values()) and not any(waiting.values())):
            return behind, waiting
        await asyncio.sleep(0.5)


async def taken(mongo: Mongo, now: datetime) -> list[Taken]:
    """The reserved times in matching's diaries, from now on."""
    found = []
    async for day in mongo["linkwork_matching"]["days"].find({}):
        for behind, times in ((False, day["held"]), (True, day.get("behind", []))):
            for time in times:
                starts_at = time["s"] if time["s"].tzinfo else time["s"].replace(tzinfo=UTC)
                if starts_at > now:
                    found.append(
                        Taken(day["link_worker"], starts_at, time["m"], time["r"], time["i"], behind)
                    )
    return found


async def facts(mongo: Mongo) -> dict[str, frozenset[str]]:
    """The events that each service keeps, received and published: `<source>/<id>`."""
    found: dict[str, frozenset[str]] = {}
    for part in PARTS:
        rows = mongo[f"linkwork_{part}"]["referrals"].find({}, {"facts.s": 1, "facts.i": 1})
        found[part] = frozenset([f"{fact['s']}/{fact['i']}" async for row in rows for fact in row["facts"]])
    return found


async def letters(client: Client, secret: str) -> list[Opened]:
    """Every dead letter, opened. Raises InvalidTag if a letter was sealed with another key."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"linkwork dead letters")
    cipher = AESGCM(derived.derive(secret.encode()))
    entries = await read_all(client, [f"linkwork.dead-letter.{part}.v1" for part in PARTS])
    return [_opened(entry, cipher) for entry in entries]


def _opened(entry: Entry, cipher: AESGCM) -> Opened:
    said = {name: (value or b"").decode() for name, value in entry.headers}
    place = (entry.key or b"").decode()
    content = json.loads(cipher.decrypt((entry.value or b"")[:12], (entry.value or b"")[12:], place.encode()))
    headers = content["headers"]
    return Opened(
        part=said["dlq-part"],
        place=place,
        key=_bytes(content["key"]),
        value=_bytes(content["value"]),
        headers=None if headers is None else tuple((name, _bytes(value)) for name, value in headers),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def by_place(answer: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The places in an answer of the evaluation service."""
    return ((place["place"], place) for place in answer["places"])
