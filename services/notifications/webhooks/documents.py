"""Endpoints and deliveries as the database stores them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.notifications.webhooks.endpoint import (
    Delivery,
    DeliveryState,
    DisabledBecause,
    Endpoint,
    EndpointState,
    EventFilter,
    EventToSend,
    Position,
    SealedSecret,
)
from shared.delivery.mongo.database import Document, Row


def endpoint_document(endpoint: Endpoint) -> Document:
    """The stored form of a new endpoint."""
    return {
        "_id": endpoint.id,
        "source": endpoint.source,
        "locality": endpoint.locality,
        "shown": endpoint.shown,
        "url": endpoint.url,
        "secrets": secret_documents(endpoint.secrets),
        "events": sorted(endpoint.filter.events),
        "kinds": sorted(endpoint.filter.kinds),
        "created": endpoint.created,
        "since": endpoint.since,
        "resumed": endpoint.resumed,
        "state": endpoint.state.value,
        "because": None,
        "failing_since": None,
        "failures": 0,
        "positions": None,
        "reads": 0,
        "not_before": None,
    }


def endpoint_of(row: Row) -> Endpoint:
    """The endpoint of a stored form."""
    positions, because = row["positions"], row["because"]
    return Endpoint(
        id=row["_id"],
        source=row["source"],
        shown=row["shown"],
        url=row["url"],
        secrets=tuple(SealedSecret(each["sealed"], each["until"]) for each in row["secrets"]),
        filter=EventFilter(frozenset(row["events"]), frozenset(row["kinds"])),
        created=row["created"],
        since=row["since"],
        resumed=row["resumed"],
        state=EndpointState(row["state"]),
        because=None if because is None else DisabledBecause(because),
        failing_since=row["failing_since"],
        failures=row["failures"],
        positions=None if positions is None else tuple(_position(each) for each in positions),
        reads=row["reads"],
    )


def secret_documents(secrets: Iterable[SealedSecret]) -> list[Document]:
    """The stored form of secrets."""
    return [{"sealed": secret.sealed, "until": secret.until} for secret in secrets]


def position_documents(positions: Iterable[Position]) -> list[Document]:
    """The stored form of positions."""
    return [{"topic": each.topic, "partition": each.partition, "offset": each.offset} for each in positions]


def _position(stored: Any) -> Position:
    return Position(stored["topic"], stored["partition"], stored["offset"])


def waiting_document(endpoint: Endpoint, event: EventToSend, now: datetime) -> Document:
    """The stored form of a delivery that nothing has been tried for."""
    return {
        "_id": f"{endpoint.id}|{event.webhook_id}",
        "endpoint": endpoint.id,
        "locality": endpoint.locality,
        "webhook_id": event.webhook_id,
        "event": event.event,
        "kind": event.kind,
        "body": event.body,
        "state": DeliveryState.WAITING.value,
        "at": now,
        "not_before": None,
        "attempts": 0,
        "sendings": 0,
        "result": None,
        "ended": None,
        "expires": None,
    }


def delivery_of(row: Row) -> Delivery:
    """The delivery of a stored form."""
    return Delivery(
        id=row["_id"],
        endpoint=row["endpoint"],
        webhook_id=row["webhook_id"],
        event=row["event"],
        kind=row["kind"],
        state=DeliveryState(row["state"]),
        at=row["at"],
        attempts=row["attempts"],
        sendings=row["sendings"],
        result=row["result"],
        ended=row["ended"],
        body=row.get("body", b""),
    )
