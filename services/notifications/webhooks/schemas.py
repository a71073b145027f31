"""Bodies of the HTTP API of webhooks, for partners."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from services.notifications.webhooks.endpoint import (
    Delivery,
    DeliveryState,
    DisabledBecause,
    Endpoint,
    EndpointState,
)
from shared.platform.web.bodies import JsonBody

_Word = Annotated[str, Field(pattern=r"^[a-z][a-z_-]{1,40}$")]
_Source = Annotated[str, Field(max_length=60)]
_WebhookId = Annotated[str, Field(pattern=r"^msg_[0-9a-f]{32}$")]


class EndpointAsked(JsonBody):
    """An endpoint to add. Without `events` and `kinds`, all events of the locality are sent."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "source": "/meir/vast-hub",
                    "url": "https://hooks.vast-hub.example/linkwork",
                    "kinds": ["meeting_booked", "meeting_cancelled"],
                }
            ]
        },
    )

    source: _Source = Field(description="The caller's own source: `/<locality>/<partner>`.")
    url: str = Field(description="https, on a public address.", min_length=1, max_length=2000)
    events: list[_Word] = Field([], description="Types to send, such as `meeting-booked`.", max_length=3)
    kinds: list[_Word] = Field([], description="Kinds to send, as in the events' schemas.", max_length=100)
    from_start: bool = Field(False, description="Send all that was ever said in the locality.")


class EndpointOut(BaseModel):
    """An endpoint. `address` leaves out path and query."""

    id: str
    source: str
    address: str
    events: list[str]
    kinds: list[str]
    created: datetime
    state: EndpointState
    because: DisabledBecause | None = None
    failing_since: datetime | None = None

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """The endpoint as the API returns it."""
        return cls(
            id=endpoint.id,
            source=endpoint.source,
            address=endpoint.shown,
            events=sorted(endpoint.filter.events),
            kinds=sorted(endpoint.filter.kinds),
            created=endpoint.created,
            state=endpoint.state,
            because=endpoint.because,
            failing_since=endpoint.failing_since,
        )


class EndpointAdded(BaseModel):
    """An endpoint that was added, with its secret, which is shown this once."""

    endpoint: EndpointOut
    secret: str


class EndpointsOut(BaseModel):
    """The caller's endpoints, the oldest first."""

    endpoints: list[EndpointOut]


class SecretOut(BaseModel):
    """A new secret, shown this once. The former one stays valid for 24 hours."""

    secret: str


class DeliveryOut(BaseModel):
    """An event for an endpoint. `result`: the last attempt's HTTP status, or the code of its error."""

    webhook_id: str
    event: str
    kind: str
    state: DeliveryState
    at: datetime
    attempts: int
    result: str | None = None
    ended: datetime | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """The delivery as the API returns it."""
        return cls(
            webhook_id=delivery.webhook_id,
            event=delivery.event,
            kind=delivery.kind,
            state=delivery.state,
            at=delivery.at,
            attempts=delivery.sendings,
            result=delivery.result,
            ended=delivery.ended,
        )


class DeliveriesOut(BaseModel):
    """Events for an endpoint, the latest first."""

    deliveries: list[DeliveryOut]


class SendAgain(JsonBody):
    """Events to send again: those of these ids, or all that were given up."""

    webhook_ids: list[_WebhookId] = Field([], max_length=100)
    state: Literal["given_up"] | None = None


class SentAgain(BaseModel):
    """The number of events that are sent again."""

    events: int
