"""Changes of the table that administrators ask for on pages, and the keeper who publishes them.

A page stores what is asked. The operator's keeper alone publishes: no service may write the control topic.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

from aiokafka.errors import KafkaError
from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import PyMongoError

from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import publish_change, standing_versions
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.clock import Clock
from shared.platform.errors import CannotStart
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, LocalitiesError
from shared.platform.localities.changes import read_change
from shared.platform.localities.document import Document
from shared.platform.localities.versions import VersionRefused, Versions

TABLE_REQUESTS: Final = "table_requests"
# A keeper that died leaves its request to the next one after so long.
_TAKEN_FOR: Final = timedelta(seconds=60)
_EVERY_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)

State = Literal["waits", "published", "refused"]
Prepare = Callable[[Localities], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TableRequest:
    """A change that somebody asked for.

    Attributes:
        change: see `read_change`; or `{"kind": "back_to", "version": n}`.
        by: the subject of the administrator; `author` is the word that the version names.
        told: the differences of the published version, or the reason of a refusal.
    """

    id: str
    change: Mapping[str, Any]
    by: str
    author: str
    at: datetime
    in_force_from: datetime | None
    state: State = "waits"
    version: int | None = None
    told: tuple[str, ...] = ()


class TableRequests:
    """The requests, in the database of the service whose pages take them."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def row(self, request: TableRequest) -> dict[str, Any]:
        """The stored form of a new request."""
        return {
            "_id": request.id,
            "change": dict(request.change),
            "by": request.by,
            "author": request.author,
            "at": request.at,
            "in_force_from": request.in_force_from,
            "state": "waits",
        }

    async def find(self, identity: str) -> TableRequest | None:
        """One request."""
        row = await self._mongo[TABLE_REQUESTS].find_one({"_id": identity})
        return _request(row) if row else None

    async def latest(self, limit: int = 50) -> list[TableRequest]:
        """The latest requests, the newest first."""
        rows = self._mongo[TABLE_REQUESTS].find({}).sort("at", DESCENDING).limit(limit)
        return [_request(row) async for row in rows]

    async def take(self, now: datetime) -> TableRequest | None:
        """The oldest request that waits, for this keeper alone."""
        free = {"$or": [{"taken": None}, {"taken": {"$lt": now - _TAKEN_FOR}}]}
        row = await self._mongo[TABLE_REQUESTS].find_one_and_update(
            {"state": "waits", **free},
            {"$set": {"taken": now}},
            sort=[("at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return _request(row) if row else None

    async def settle(self, request: TableRequest, state: State, told: list[str], version: int | None) -> None:
        """Stores the outcome of a request."""
        change = {"state": state, "told": told, "version": version}
        await self._mongo[TABLE_REQUESTS].update_one({"_id": request.id}, {"$set": change})

    async def give_back(self, request: TableRequest) -> None:
        """Leaves a request for later: the broker did not answer."""
        await self._mongo[TABLE_REQUESTS].update_one({"_id": request.id}, {"$set": {"taken": None}})


def _request(row: Row) -> TableRequest:
    return TableRequest(
        row["_id"],
        row["change"],
        row["by"],
        row["author"],
        row["at"],
        row["in_force_from"],
        row["state"],
        row.get("version"),
        tuple(row.get("told", ())),
    )


def is_way_back(change: Mapping[str, Any]) -> bool:
    """True for the way back to a version, which ends one that waits for its time."""
    return change.get("kind") == "back_to"


def change_asked(change: Mapping[str, Any], versions: Versions) -> Callable[[Document], Document]:
    """The change of a request as a function of the document that it follows.

    Raises:
        LocalitiesError: it is none that an administrator may ask for, or names no version.
    """
    if is_way_back(change):
        found = next((each for each in versions if each.number == change.get("version")), None)
        if found is None:
            raise LocalitiesError(f"There is no version {change.get('version')}.")
        return partial(_back_to, found.document)
    try:
        return read_change(change).apply
    except ValueError:
        raise LocalitiesError("This is no change that an administrator may ask for.") from None


def _back_to(former: Document, present: Document) -> Document:
    """The former table with the sources, and with who may say what, as they are now."""
    programme = {
        **former["programme"],
        **{key: present["programme"][key] for key in ("sources", "says") if key in present["programme"]},
    }
    sources = {each["slug"]: each.get("sources") for each in present["locality"]}
    rows = []
    for each in former["locality"]:
        row = {key: value for key, value in each.items() if key != "sources"}
        own = sources.get(each["slug"], each.get("sources"))
        rows.append(row if own is None else {**row, "sources": own})
    return {**former, "programme": programme, "locality": rows}


async def versions_of(kafka: KafkaConnection, topic: str) -> Versions:
    """The versions that stand in the topic."""
    return (await standing_versions(kafka, topic)).versions


@dataclass(frozen=True)
class TableKeeper:
    """Publishes what was asked, as the operator.

    Attributes:
        prepare: gives users, rights and topics that a table needs; None where the operator does.
        published: is called after each version.
    """

    requests: TableRequests
    kafka: KafkaConnection
    topic: str
    clock: Clock
    prepare: Prepare | None = None
    published: Callable[[], Awaitable[None]] | None = None

    async def keep(self) -> None:
        """Publishes requests until cancelled. Goes on after a failure."""
        while True:
            try:
                worked = await self.once()
            except (KafkaError, OSError, PyMongoError, Transient, TimeoutError, NoControlTopic) as error:
                _log.warning("no change of the table is published: %s", type(error).__name__)
                worked = False
            if not worked:
                await asyncio.sleep(_EVERY_SECONDS)

    async def once(self) -> bool:
        """Publishes the oldest request; False if none waits."""
        now = self.clock()
        request = await self.requests.take(now)
        if request is None:
            return False
        try:
            change = change_asked(request.change, await versions_of(self.kafka, self.topic))
            begins = request.in_force_from if request.in_force_from and request.in_force_from > now else None
            done = await publish_change(
                self.kafka,
                self.topic,
                change,
                request.author,
                now,
                begins,
                supersedes=is_way_back(request.change),
                prepare=self.prepare,
            )
        except (VersionRefused, LocalitiesError, CannotStart) as refused:
            await self.requests.settle(request, "refused", [str(refused)], None)
            return True
        except BaseException:
            await self.requests.give_back(request)
            raise
        if self.published is not None:
            await self.published()
        told = done.changes if done else ["Nothing differs."]
        await self.requests.settle(request, "published", told, done.version.number if done else None)
        return True
