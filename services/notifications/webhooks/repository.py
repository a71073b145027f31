"""Stores endpoints, and the deliveries to them.

Events and the positions up to which they were read share a transaction: an event is never passed over,
whatever process dies.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import DESCENDING

from services.notifications.collections import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS
from services.notifications.webhooks.documents import (
    delivery_of,
    endpoint_of,
    position_documents,
    waiting_document,
)
from services.notifications.webhooks.endpoint import (
    Delivery,
    DeliveryState,
    DisabledBecause,
    Endpoint,
    EndpointState,
    EventToSend,
    Position,
)
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Collection as MongoCollection
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.delivery.mongo.server_time import READY, server_now_plus

_DELIVERED_KEPT: Final = timedelta(days=7)
_GIVEN_UP_KEPT: Final = timedelta(days=30)
_WAITING: Final = DeliveryState.WAITING.value


class Endpoints:
    """The endpoints of all partners."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def get(self, endpoint: str) -> Endpoint | None:
        """The endpoint of this id, or None."""
        row = await self._collection.find_one({"_id": endpoint})
        return None if row is None else endpoint_of(row)

    async def all(self) -> list[Endpoint]:
        """All endpoints, the oldest first."""
        return [endpoint_of(row) async for row in self._collection.find({}).sort("_id", 1)]

    async def enabled(self, localities: Collection[str]) -> list[Endpoint]:
        """The endpoints of these localities to which events are sent."""
        which = {"state": EndpointState.ENABLED.value, "locality": {"$in": list(localities)}}
        return [endpoint_of(row) async for row in self._collection.find(which)]

    async def to_send(self, endpoint: str) -> Endpoint | None:
        """The endpoint, if it is enabled and does not rest on the receiver's wish; else None."""
        which = {"_id": endpoint, "state": EndpointState.ENABLED.value, **READY}
        row = await self._collection.find_one(which)
        return None if row is None else endpoint_of(row)

    async def rest(self, endpoint: str, wait: timedelta) -> None:
        """Sends nothing to an endpoint for so long."""
        change = [{"$set": {"not_before": server_now_plus(wait)}}]
        await self._collection.update_one({"_id": endpoint}, change)

    async def failed(self, endpoint: str, now: datetime) -> Endpoint | None:
        """Counts a failed attempt; returns the endpoint as it is then."""
        change = {
            "failing_since": {"$ifNull": ["$failing_since", now]},
            "failures": {"$add": ["$failures", 1]},
        }
        await self._collection.update_one({"_id": endpoint}, [{"$set": change}])
        return await self.get(endpoint)

    async def succeeded(self, endpoint: str) -> datetime | None:
        """Notes a success; returns since when the endpoint had been failing, or None."""
        row: Row | None = await self._collection.find_one_and_update(
            {"_id": endpoint, "failing_since": {"$ne": None}},
            {"$set": {"failing_since": None, "failures": 0}},
        )
        since: datetime | None = None if row is None else row["failing_since"]
        return since

    async def disable(self, endpoint: str, because: DisabledBecause) -> bool:
        """Disables an endpoint that is enabled; returns whether it was."""
        done = await self._collection.update_one(
            {"_id": endpoint, "state": EndpointState.ENABLED.value},
            {"$set": {"state": EndpointState.DISABLED.value, "because": because.value}},
        )
        return bool(done.modified_count)

    @property
    def _collection(self) -> MongoCollection:
        return self._mongo[WEBHOOK_ENDPOINTS]


class Deliveries:
    """The deliveries to all endpoints."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def enqueue(
        self, endpoint: Endpoint, events: Iterable[EventToSend], positions: Sequence[Position], now: datetime
    ) -> int:
        """Stores events that were read, with the positions behind them; returns the number of new ones.

        Raises:
            Conflict: another process has advanced the positions, or the endpoint is gone.
            Transient: the database is away.
        """
        rows = {row["_id"]: row for row in (waiting_document(endpoint, event, now) for event in events)}

        async def work(tx: Transaction) -> int:
            done = await tx[WEBHOOK_ENDPOINTS].update_one(
                {"_id": endpoint.id, "reads": endpoint.reads},
                {"$set": {"positions": position_documents(positions)}, "$inc": {"reads": 1}},
                session=tx.session,
            )
            if not done.matched_count:
                raise Conflict("another process reads for this endpoint")
            which = {"_id": {"$in": list(rows)}}
            known = {
                row["_id"] async for row in tx[WEBHOOK_DELIVERIES].find(which, {"_id": 1}, session=tx.session)
            }
            new = [row for key, row in rows.items() if key not in known]
            if new:
                await tx[WEBHOOK_DELIVERIES].insert_many(new, session=tx.session)
            return len(new)

        return await self._mongo.transact(work)

    async def waiting(self, endpoint: str) -> int:
        """The number of events that wait for an endpoint."""
        return await self._collection.count_documents({"endpoint": endpoint, "state": _WAITING})

    async def due(self, endpoint: str, without: Collection[str], limit: int) -> list[Delivery]:
        """Deliveries that may be tried now, those that have waited longest first."""
        which = {"endpoint": endpoint, "state": _WAITING, "_id": {"$nin": list(without)}, **READY}
        found = self._collection.find(which).sort([("not_before", 1), ("at", 1)]).limit(limit)
        return [delivery_of(row) async for row in found]

    async def delivered(self, delivery: Delivery, code: str, now: datetime) -> bool:
        """Records a success; returns False if the delivery has changed since it was read."""
        return await self._end(delivery, DeliveryState.DELIVERED, code, now, _DELIVERED_KEPT)

    async def given_up(self, delivery: Delivery, code: str, now: datetime) -> bool:
        """Records that a delivery is given up; returns False if it has changed since it was read."""
        return await self._end(delivery, DeliveryState.GIVEN_UP, code, now, _GIVEN_UP_KEPT)

    async def retry(self, delivery: Delivery, code: str, wait: timedelta) -> bool:
        """Records a failure and the wait before the next attempt."""
        change = {
            "result": code,
            "attempts": delivery.attempts + 1,
            "sendings": delivery.sendings + 1,
            "not_before": server_now_plus(wait),
        }
        done = await self._collection.update_one(_as_read(delivery), [{"$set": change}])
        return bool(done.modified_count)

    async def wake(self, endpoint: str) -> None:
        """Makes all that waits for an endpoint due at once, because the endpoint answers again."""
        which = {"endpoint": endpoint, "state": _WAITING}
        await self._collection.update_many(which, {"$set": {"not_before": None}})

    async def recent(self, endpoint: str, states: Collection[DeliveryState], limit: int) -> list[Delivery]:
        """Deliveries in one of these states, the latest first."""
        which: Document = {"endpoint": endpoint}
        if states:
            which["state"] = {"$in": [state.value for state in states]}
        found = self._collection.find(which, {"body": 0}).sort("at", DESCENDING).limit(limit)
        return [delivery_of(row) async for row in found]

    async def waiting_by_locality(self) -> dict[str, tuple[int, datetime]]:
        """Of each locality, the number of events that wait, and the time of the oldest."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"state": _WAITING}},
            {"$group": {"_id": "$locality", "events": {"$sum": 1}, "oldest": {"$min": "$at"}}},
        ]
        rows = self._collection.aggregate(pipeline)
        return {row["_id"]: (row["events"], row["oldest"]) async for row in rows}

    async def _end(
        self, delivery: Delivery, state: DeliveryState, code: str, now: datetime, kept: timedelta
    ) -> bool:
        ended = {
            "state": state.value,
            "result": code,
            "ended": now,
            "attempts": delivery.attempts + 1,
            "sendings": delivery.sendings + 1,
            "expires": now + kept,
        }
        done = await self._collection.update_one(_as_read(delivery), {"$set": ended})
        return bool(done.modified_count)

    @property
    def _collection(self) -> MongoCollection:
        return self._mongo[WEBHOOK_DELIVERIES]


def _as_read(delivery: Delivery) -> Document:
    """A filter that finds the row only if it waits, and no attempt was recorded since it was read."""
    return {"_id": delivery.id, "state": _WAITING, "attempts": delivery.attempts, "at": delivery.at}
