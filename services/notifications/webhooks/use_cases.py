"""Use cases of operators and partners with endpoints. Each change is noted in the log of operations."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.notifications.collections import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS
from services.notifications.webhooks.documents import endpoint_document, endpoint_of, secret_documents
from services.notifications.webhooks.endpoint import (
    Delivery,
    DeliveryState,
    DisabledBecause,
    Endpoint,
    EndpointState,
    EventFilter,
    SealedSecret,
)
from services.notifications.webhooks.repository import Deliveries, Endpoints
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from services.notifications.webhooks.targets import read_target
from shared.contract.events.outcomes import KINDS
from shared.contract.events.topics import EVENTS
from shared.delivery.audit.trail import AuditTrail
from shared.delivery.mongo.database import Document, Mongo, Transaction
from shared.delivery.mongo.operations import note
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal

MAX_ENDPOINTS: Final = 10
# Both secrets are valid for so long after a rotation.
OVERLAP: Final = timedelta(hours=24)
KNOWN_KINDS: Final = frozenset({"referral_created", "meeting_booked", *KINDS})
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchEndpoint(LookupError):
    """There is no endpoint of this id, or it is another source's."""


class EndpointRefused(ValueError):
    """An endpoint or a change that is refused: a code, and a sentence for whoever asks."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Actor:
    """The operator or partner who changes something, and the reason.

    `sources` limits a partner to endpoints of its own sources; None is an operator. `caller`: a partner who
    asks over HTTP; operators are in the log of operations alone.
    """

    name: str
    why: str
    sources: frozenset[str] | None = None
    caller: Principal | None = None

    @property
    def because(self) -> DisabledBecause:
        """The reason that a disabled endpoint names."""
        return DisabledBecause.OPERATOR if self.sources is None else DisabledBecause.PARTNER


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to add. `from_start` sends all that the log holds, from its beginning."""

    source: str
    url: str
    filter: EventFilter = field(default_factory=EventFilter)
    from_start: bool = False


class WebhookUseCases:
    """Adds, lists, changes and looks into endpoints."""

    def __init__(
        self,
        mongo: Mongo,
        sealing: Sealing,
        clock: Clock,
        new_id: NewId,
        partners: Callable[[], Sequence[str]],
        *,
        private_allowed: bool = False,
    ) -> None:
        """`partners`: the sources that the table in force names."""
        self._mongo = mongo
        self._sealing = sealing
        self._clock = clock
        self._new_id = new_id
        self._partners = partners
        self._private_allowed = private_allowed
        self._trail = AuditTrail(mongo, new_id, clock)
        self._endpoints = Endpoints(mongo)
        self._deliveries = Deliveries(mongo)

    async def add(self, new: NewEndpoint, actor: Actor) -> tuple[Endpoint, str]:
        """Adds an endpoint; returns it with its secret, which is shown this once.

        Raises:
            EndpointRefused: `unknown_source`, `unknown_event`, `unknown_kind`, `known_address`, `too_many`.
            TargetRefused: the address is no target of webhooks.
        """
        if new.source not in self._partners() or (
            actor.sources is not None and new.source not in actor.sources
        ):
            raise EndpointRefused(
                "unknown_source", "This is no source of a partner in the programme's table."
            )
        _check(new.filter)
        target = read_target(new.url, private_allowed=self._private_allowed)
        now, endpoint_id, secret = self._clock(), self._new_id(), self._sealing.new_secret()
        endpoint = Endpoint(
            id=endpoint_id,
            source=new.source,
            shown=target.shown,
            url=self._sealing.seal(new.url, endpoint_id),
            secrets=(SealedSecret(self._sealing.seal(secret, endpoint_id)),),
            filter=new.filter,
            created=now,
            since=_BEGINNING if new.from_start else now,
            resumed=now,
        )

        async def work(tx: Transaction) -> None:
            of_source = {"source": new.source}
            found = tx[WEBHOOK_ENDPOINTS].find(of_source, session=tx.session)
            known = [endpoint_of(row) async for row in found]
            if len(known) >= MAX_ENDPOINTS:
                raise EndpointRefused("too_many", f"A source has {MAX_ENDPOINTS} endpoints at most.")
            if any(self._is_for(each, new.url) for each in known):
                raise EndpointRefused("known_address", "The source has an endpoint of this address already.")
            await tx[WEBHOOK_ENDPOINTS].insert_one(endpoint_document(endpoint), session=tx.session)
            await self._note(tx, "webhook added", endpoint, actor)

        await self._mongo.transact(work)
        return await self.get(endpoint_id, actor), secret

    async def endpoints(self, sources: Collection[str] | None = None) -> list[Endpoint]:
        """All endpoints, or those of these sources."""
        return [each for each in await self._endpoints.all() if sources is None or each.source in sources]

    async def get(self, endpoint: str, actor: Actor) -> Endpoint:
        """One endpoint.

        Raises:
            NoSuchEndpoint: there is none, or it is another source's.
        """
        found = await self._endpoints.get(endpoint)
        if found is None or (actor.sources is not None and found.source not in actor.sources):
            raise NoSuchEndpoint
        return found

    async def disable(self, endpoint: str, actor: Actor) -> Endpoint:
        """Sends nothing more to an endpoint. What waits for it is kept. Raises NoSuchEndpoint."""
        change = {"state": EndpointState.DISABLED.value, "because": actor.because.value}
        return await self._change(endpoint, "webhook disabled", {"$set": change}, actor)

    async def enable(self, endpoint: str, actor: Actor, *, from_now: bool = False) -> Endpoint:
        """Sends again, at once what waits. `from_now` leaves out what was said meanwhile.

        Raises NoSuchEndpoint.
        """
        now = self._clock()
        change: Document = {
            "state": EndpointState.ENABLED.value,
            "because": None,
            "failing_since": None,
            "failures": 0,
            "not_before": None,
            "resumed": now,
        }
        if from_now:
            change |= {"positions": None, "since": now}
        enabled = await self._change(
            endpoint, "webhook enabled", {"$set": change, "$inc": {"reads": 1}}, actor
        )
        await self._deliveries.wake(endpoint)
        return enabled

    async def rotate(self, endpoint: str, actor: Actor) -> str:
        """Gives an endpoint a new secret, and returns it. The former one stays valid for a day.

        Raises NoSuchEndpoint.
        """
        found = await self.get(endpoint, actor)
        now, secret = self._clock(), self._sealing.new_secret()
        newest = SealedSecret(self._sealing.seal(secret, endpoint))
        # At most two: a third would be valid beside two that somebody may have wanted to end.
        former = [replace(each, until=now + OVERLAP) for each in found.valid_secrets(now)[:1]]
        change = {"secrets": secret_documents([newest, *former])}
        await self._change(endpoint, "webhook secret rotated", {"$set": change}, actor)
        return secret

    async def remove(self, endpoint: str, actor: Actor) -> None:
        """Removes an endpoint with all that waits for it. Raises NoSuchEndpoint."""
        found = await self.get(endpoint, actor)

        async def work(tx: Transaction) -> None:
            await tx[WEBHOOK_ENDPOINTS].delete_one({"_id": endpoint}, session=tx.session)
            await self._note(tx, "webhook removed", found, actor)

        await self._mongo.transact(work)
        await self._mongo[WEBHOOK_DELIVERIES].delete_many({"endpoint": endpoint})

    async def deliveries(
        self, endpoint: str, actor: Actor, states: Collection[DeliveryState] = (), limit: int = 50
    ) -> list[Delivery]:
        """Events for an endpoint, the latest first. Raises NoSuchEndpoint."""
        await self.get(endpoint, actor)
        return await self._deliveries.recent(endpoint, states, limit)

    async def send_again(
        self,
        endpoint: str,
        actor: Actor,
        webhook_ids: Collection[str] = (),
        state: DeliveryState | None = None,
    ) -> int:
        """Sends events again, under the same ids; returns their number.

        Those of these ids, or all in this state. Delivered ones are known for 7 days, given up ones for 30.

        Raises NoSuchEndpoint.
        """
        found = await self.get(endpoint, actor)
        which: Document = {"endpoint": endpoint}
        if webhook_ids:
            which["webhook_id"] = {"$in": list(webhook_ids)}
        if state is not None:
            which["state"] = state.value
        again = {
            "state": DeliveryState.WAITING.value,
            "at": self._clock(),
            "attempts": 0,
            "not_before": None,
            "ended": None,
            "expires": None,
        }

        async def work(tx: Transaction) -> int:
            done = await tx[WEBHOOK_DELIVERIES].update_many(which, {"$set": again}, session=tx.session)
            count = int(done.matched_count)
            await self._note(tx, "webhook events sent again", found, actor, events=count)
            return count

        return await self._mongo.transact(work)

    async def _change(self, endpoint: str, what: str, change: Document, actor: Actor) -> Endpoint:
        found = await self.get(endpoint, actor)

        async def work(tx: Transaction) -> None:
            await tx[WEBHOOK_ENDPOINTS].update_one({"_id": endpoint}, change, session=tx.session)
            await self._note(tx, what, found, actor)

        await self._mongo.transact(work)
        return await self.get(endpoint, actor)

    async def _note(self, tx: Transaction, what: str, endpoint: Endpoint, actor: Actor, **more: Any) -> None:
        about: Document = {"endpoint": endpoint.id, "source": endpoint.source, **more}
        if actor.caller is not None:
            change = Change(actor.caller, what.replace(" ", "_"), codes=(f"endpoint={endpoint.id.lower()}",))
            await self._trail.write(tx, change)
        await note(tx, self._new_id, self._clock(), what=what, by=actor.name, why=actor.why, about=about)

    def _is_for(self, endpoint: Endpoint, url: str) -> bool:
        try:
            return self._sealing.unseal(endpoint.url, endpoint.id) == url
        except CannotUnseal:
            return False


def _check(wanted: EventFilter) -> None:
    if not wanted.events <= set(EVENTS):
        raise EndpointRefused("unknown_event", f"An event is unknown. There are: {', '.join(EVENTS)}.")
    if not wanted.kinds <= KNOWN_KINDS:
        known = ", ".join(sorted(KNOWN_KINDS))
        raise EndpointRefused("unknown_kind", f"A kind is unknown. There are: {known}.")
