"""The commands on webhooks: endpoints of partners, and the events that were sent to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.output import format_time, table
from linkwork.tables import table_in_force
from services.notifications.webhooks.endpoint import Delivery, DeliveryState, Endpoint, EventFilter
from services.notifications.webhooks.sealing import Sealing
from services.notifications.webhooks.targets import TargetRefused
from services.notifications.webhooks.use_cases import (
    Actor,
    EndpointRefused,
    NewEndpoint,
    NoSuchEndpoint,
    WebhookUseCases,
)
from shared.platform.clock import system_clock
from shared.platform.ids import new_id

Verb = Literal["add", "list", "disable", "enable", "rotate", "remove", "deliveries", "send-again"]
_HEAD: Final = ("ENDPOINT", "SOURCE", "ADDRESS", "WANTS", "STATE", "FAILING SINCE")
_DELIVERIES_HEAD: Final = ("WEBHOOK ID", "KIND", "STATE", "TIME", "ATTEMPTS", "RESULT")
# Of the verbs that need the key: the others open nothing.
_NEED_KEY: Final = ("add", "rotate")


@dataclass(frozen=True)
class WebhooksCommand:
    """One command on webhooks."""

    verb: Verb
    endpoint: str = ""
    source: str = ""
    url: str = ""
    events: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    webhook_ids: tuple[str, ...] = ()
    state: DeliveryState | None = None
    from_start: bool = False
    from_now: bool = False
    limit: int = 50
    why: str = ""
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Runs the command and returns its exit code.

        Raises:
            CommandError: a store does not answer, there is no such endpoint, or what is asked is refused.
        """
        key = config.dead_letter_key() if self.verb in _NEED_KEY else config.key or b"unused"
        partners = (await table_in_force(config)).partners() if self.verb == "add" else ()
        async with database_of(config, "notifications") as mongo:
            webhooks = WebhookUseCases(mongo, Sealing(key), system_clock, new_id, lambda: partners)
            try:
                return await self._run(webhooks, Actor(config.operator, self.why))
            except NoSuchEndpoint:
                raise CommandError(
                    "There is no endpoint of this id: look at `linkwork webhooks list`."
                ) from None
            except (TargetRefused, EndpointRefused) as refused:
                raise CommandError(str(refused)) from None

    async def _run(self, webhooks: WebhookUseCases, actor: Actor) -> int:
        match self.verb:
            case "add":
                wanted = EventFilter(frozenset(self.events), frozenset(self.kinds))
                new = NewEndpoint(self.source, self.url, wanted, self.from_start)
                added, secret = await webhooks.add(new, actor)
                return self._print_secret(secret, added)
            case "list":
                sources = {self.source} if self.source else None
                return self._print_endpoints(await webhooks.endpoints(sources))
            case "disable":
                return self._print_endpoints([await webhooks.disable(self.endpoint, actor)])
            case "enable":
                enabled = await webhooks.enable(self.endpoint, actor, from_now=self.from_now)
                return self._print_endpoints([enabled])
            case "rotate":
                secret = await webhooks.rotate(self.endpoint, actor)
                return self._print_secret(secret, await webhooks.get(self.endpoint, actor))
            case "remove":
                await webhooks.remove(self.endpoint, actor)
                print(to_json({"removed": self.endpoint}) if self.as_json else "Removed.")
                return 0
            case "deliveries":
                states = () if self.state is None else (self.state,)
                return self._print_deliveries(
                    await webhooks.deliveries(self.endpoint, actor, states, self.limit)
                )
            case "send-again":
                return await self._send_again(webhooks, actor)

    async def _send_again(self, webhooks: WebhookUseCases, actor: Actor) -> int:
        if not self.webhook_ids and self.state is None:
            raise CommandError("Say which: name WEBHOOK_IDs, or a --state such as given_up.")
        count = await webhooks.send_again(self.endpoint, actor, self.webhook_ids, self.state)
        print(to_json({"events": count}) if self.as_json else f"{count} events are sent again.")
        return 0 if count else 1

    def _print_secret(self, secret: str, endpoint: Endpoint) -> int:
        if self.as_json:
            print(to_json(_described(endpoint) | {"secret": secret}))
        else:
            print(f"{table(_HEAD, [_row(endpoint)])}\n\nsecret   {secret}")
        return 0

    def _print_endpoints(self, endpoints: Sequence[Endpoint]) -> int:
        if self.as_json:
            print(to_json([_described(each) for each in endpoints]))
        else:
            print(table(_HEAD, [_row(each) for each in endpoints]) if endpoints else "No endpoints.")
        return 0

    def _print_deliveries(self, found: Sequence[Delivery]) -> int:
        if self.as_json:
            print(to_json([_described_delivery(each) for each in found]))
        else:
            rows = [_delivery_row(each) for each in found]
            print(table(_DELIVERIES_HEAD, rows) if rows else "No events are like that.")
        return 0


def _described(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "endpoint": endpoint.id,
        "source": endpoint.source,
        "address": endpoint.shown,
        "events": sorted(endpoint.filter.events),
        "kinds": sorted(endpoint.filter.kinds),
        "created": endpoint.created,
        "state": endpoint.state,
        "because": endpoint.because,
        "failing_since": endpoint.failing_since,
    }


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    wants = ",".join(sorted(endpoint.filter.events | endpoint.filter.kinds)) or "all"
    state = f"{endpoint.state} ({endpoint.because})" if endpoint.because else endpoint.state.value
    since = format_time(endpoint.failing_since) if endpoint.failing_since else "-"
    return (endpoint.id, endpoint.source, endpoint.shown, wants, state, since)


def _described_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "webhook_id": delivery.webhook_id,
        "event": delivery.event,
        "kind": delivery.kind,
        "state": delivery.state,
        "at": delivery.at,
        "ended": delivery.ended,
        "attempts": delivery.sendings,
        "result": delivery.result,
    }


def _delivery_row(delivery: Delivery) -> tuple[str, ...]:
    time = format_time(delivery.ended or delivery.at)
    sendings, result = str(delivery.sendings), delivery.result or "-"
    return (delivery.webhook_id, delivery.kind, delivery.state.value, time, sendings, result)
