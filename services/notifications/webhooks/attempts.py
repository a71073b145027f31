"""One attempt: composes, posts, decides what follows, and records it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from services.notifications.webhooks.endpoint import Delivery, DisabledBecause, Endpoint
from services.notifications.webhooks.policy import (
    Answer,
    Outcome,
    Schedule,
    backoff,
    disables,
    gives_up,
    pause,
)
from services.notifications.webhooks.repository import Deliveries, Endpoints
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from services.notifications.webhooks.signing import signed_headers
from services.notifications.webhooks.targets import Target, TargetRefused, read_target
from shared.platform import metrics
from shared.platform.clock import Clock

# A number from 0 up to 1, at random.
Chance = Callable[[], float]
_log = logging.getLogger(__name__)
_SEALED: Final = Answer(error="sealed_with_another_key")
_REFUSED: Final = Answer(error="address_refused")


class Sender(Protocol):
    """Posts an event, as `WebhookSender` does."""

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Makes one attempt. Never raises for what the receiver or the network does."""
        ...


@dataclass(frozen=True)
class Attempts:
    """Makes attempts for all endpoints of a process."""

    endpoints: Endpoints
    deliveries: Deliveries
    sender: Sender
    sealing: Sealing
    clock: Clock
    chance: Chance
    schedule: Schedule

    async def make(self, endpoint: Endpoint, delivery: Delivery) -> Outcome:
        """Posts an event and records the result.

        If this process dies between the two, the event is posted again under the same id.

        Raises:
            PyMongoError: the database is away; the delivery stays due.
        """
        answer = await self._post(endpoint, delivery)
        outcome, now = answer.outcome, self.clock()
        metrics.webhook_attempts.labels(endpoint.locality, outcome.value).inc()
        if outcome is Outcome.DELIVERED:
            await self._succeeded(endpoint, delivery, answer, now)
        elif outcome is Outcome.GONE:
            await self.deliveries.retry(delivery, answer.code, self.schedule.longest_retry)
            await self._disable(endpoint, DisabledBecause.GONE)
        else:
            await self._failed(endpoint, delivery, answer, now)
        return outcome

    async def _post(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        now = self.clock()
        try:
            url = self.sealing.unseal(endpoint.url, endpoint.id)
            valid = endpoint.valid_secrets(now)
            secrets = [self.sealing.unseal(secret.sealed, endpoint.id) for secret in valid]
        except CannotUnseal:
            return _SEALED
        try:
            target = read_target(url, private_allowed=True)  # The sender judges the address itself.
        except TargetRefused:
            return _REFUSED
        headers = signed_headers(delivery.webhook_id, delivery.body, secrets, now)
        return await self.sender.post(target, headers, delivery.body)

    async def _succeeded(self, endpoint: Endpoint, delivery: Delivery, answer: Answer, now: datetime) -> None:
        await self.deliveries.delivered(delivery, answer.code, now)
        failing_since = await self.endpoints.succeeded(endpoint.id)
        # Not after each failure: an event that an endpoint refuses would be sent again with every other one.
        if failing_since is not None and now - failing_since >= self.schedule.wake_after:
            await self.deliveries.wake(endpoint.id)

    async def _failed(self, endpoint: Endpoint, delivery: Delivery, answer: Answer, now: datetime) -> None:
        counted = await self.endpoints.failed(endpoint.id, now)
        if gives_up(delivery.at, endpoint.resumed, now, self.schedule):
            if await self.deliveries.given_up(delivery, answer.code, now):
                metrics.webhook_given_up.labels(endpoint.locality).inc()
                _log.warning("an event for a webhook is given up: %s", answer.code, extra=_fields(endpoint))
        else:
            asked = pause(answer, now, self.schedule)
            wait = backoff(delivery.attempts + 1, self.chance(), self.schedule)
            await self.deliveries.retry(delivery, answer.code, max(wait, asked) if asked else wait)
            if asked is not None:
                await self.endpoints.rest(endpoint.id, asked)
        if counted is None or counted.failing_since is None:
            return
        if disables(counted.failing_since, counted.failures, now, self.schedule):
            await self._disable(endpoint, DisabledBecause.FAILING)

    async def _disable(self, endpoint: Endpoint, because: DisabledBecause) -> None:
        if await self.endpoints.disable(endpoint.id, because):
            _log.error("a webhook is disabled: %s", because.value, extra=_fields(endpoint))


def _fields(endpoint: Endpoint) -> dict[str, str]:
    """The fields of a log line: neither path nor query of the address."""
    return {"locality": endpoint.locality, "endpoint": endpoint.id}
