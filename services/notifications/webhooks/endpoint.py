"""An endpoint of a partner's source, and one event on its way to it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.contract.events.topics import EventName


class EndpointState(StrEnum):
    """Whether events are sent to an endpoint."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledBecause(StrEnum):
    """The reason why an endpoint is disabled. `failing` and `gone` are found by the service itself."""

    OPERATOR = "operator"
    PARTNER = "partner"
    FAILING = "failing"
    GONE = "gone"


class DeliveryState(StrEnum):
    """The state of one event for one endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The events that an endpoint wants: of these types and of these kinds. An empty set wants all."""

    events: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def passes(self, event: EventName, kind: str) -> bool:
        """Tests an event. `kind` is that of a fact: `referral_created`, `meeting_booked` or an outcome's."""
        return (not self.events or event in self.events) and (not self.kinds or kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Position:
    """The offset of the next record to read from a partition."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A signing secret, sealed. `until`: the end of its validity, once another secret has replaced it."""

    sealed: bytes = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint, as it is stored.

    Attributes:
        source: the partner's source, which names the locality whose events are sent.
        shown: the address without path and query, which may hold a secret of the receiver.
        url: the whole address, sealed.
        since: events that were said before this time are not sent.
        resumed: when it was added or last enabled; the time to give up counts from then at the earliest.
        failing_since: the first failure after the last success.
        failures: attempts that failed since then.
        positions: None before its first records were read.
        reads: counts the writes of the positions, so that two processes cannot both advance them.
    """

    id: str
    source: str
    shown: str
    url: bytes = field(repr=False)
    secrets: tuple[SealedSecret, ...] = field(repr=False)
    filter: EventFilter
    created: datetime
    since: datetime
    resumed: datetime
    state: EndpointState = EndpointState.ENABLED
    because: DisabledBecause | None = None
    failing_since: datetime | None = None
    failures: int = 0
    positions: tuple[Position, ...] | None = None
    reads: int = 0

    @property
    def locality(self) -> str:
        """The locality whose events are sent."""
        return self.source.split("/")[1]

    def valid_secrets(self, now: datetime) -> Sequence[SealedSecret]:
        """The secrets to sign with at this time, the newest first."""
        return [secret for secret in self.secrets if secret.until is None or now < secret.until]


@dataclass(frozen=True, slots=True)
class EventToSend:
    """An event as it is posted. `webhook_id` is the same for the same source and event id."""

    webhook_id: str
    event: EventName
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint.

    Attributes:
        at: when it was read from the log, or asked for again.
        ended: when it was delivered or given up.
        result: code of the last attempt, such as `200` or `timeout`.
        sendings: attempts so far, `attempts` those since `at`.
    """

    id: str
    endpoint: str
    webhook_id: str
    event: str
    kind: str
    state: DeliveryState
    at: datetime
    attempts: int
    sendings: int
    result: str | None
    ended: datetime | None
    body: bytes = field(repr=False, default=b"")
