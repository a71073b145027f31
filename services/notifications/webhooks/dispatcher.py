"""Shares the endpoints among the processes of the service: each is served by the holder of its lease.

The lease saves work and keeps the limits of one endpoint. A process that lost it and does not know yet sends
an event twice, under the same id.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from pymongo.errors import PyMongoError

from services.notifications.webhooks.attempts import Attempts
from services.notifications.webhooks.endpoint import Endpoint, EndpointState
from services.notifications.webhooks.runner import MAX_WAITING, EndpointRunner
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.leases import Leases
from shared.delivery.stopping import cancelled_within
from shared.platform import metrics
from shared.platform.kafka_connection import KafkaConnection

_log = logging.getLogger(__name__)
_STOP_SECONDS: Final = 5.0
_OBSERVE_SECONDS: Final = 10.0
_STATES: Final = ("enabled", "failing", "disabled", "disabled_failing", "disabled_gone")


class WebhookDispatcher:
    """Serves the endpoints of these localities, as far as this process gets their leases."""

    def __init__(
        self,
        attempts: Attempts,
        kafka: KafkaConnection,
        leases: Leases,
        localities: Sequence[str],
        partners: Callable[[], Sequence[str]],
        lease_seconds: float,
    ) -> None:
        """`partners`: the sources that the table in force names, asked each time."""
        self._attempts = attempts
        self._kafka = kafka
        self._leases = leases
        self._localities = localities
        self._partners = partners
        self._tick_seconds = lease_seconds / 4
        self._runners: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts in the background."""
        self._tasks = [
            asyncio.create_task(self._keep(self._share, self._tick_seconds)),
            asyncio.create_task(self._keep(self._observe, _OBSERVE_SECONDS)),
        ]

    async def stop(self) -> None:
        """Ends all attempts, and releases the leases. What was not recorded is sent again."""
        await cancelled_within(_STOP_SECONDS, *self._tasks)
        await cancelled_within(_STOP_SECONDS, *self._runners.values())
        await self._leases.release()

    @property
    def live(self) -> bool:
        """True if the loops run, or none was started."""
        return not any(task.done() for task in self._tasks)

    def detail(self) -> dict[str, Any]:
        """The number of endpoints that this process serves, for /readyz."""
        return {"endpoints": len(self._runners)}

    async def _keep(self, work: Callable[[], Any], seconds: float) -> None:
        while True:
            try:
                await work()
            except (PyMongoError, Transient) as error:
                _log.warning("webhooks wait: %s", type(error).__name__)
            except Exception:
                _log.exception("webhooks are not shared")
            await asyncio.sleep(seconds)

    async def _share(self) -> None:
        """Takes or renews the leases of endpoints to serve, and starts and stops their runners."""
        enabled = await self._attempts.endpoints.enabled(self._localities)
        wanted = {each.id: each for each in enabled if self._may_read(each)}
        await self._leases.renew([_lease(each) for each in wanted])
        for each in list(self._runners):
            if each not in wanted or not self._leases.held(_lease(each)) or self._runners[each].done():
                runner = self._runners.pop(each)
                await cancelled_within(_STOP_SECONDS, runner)
                if each not in wanted:
                    await self._leases.release([_lease(each)])
        for name, endpoint in wanted.items():
            if name not in self._runners and self._leases.held(_lease(name)):
                may_send = partial(self._may_send, endpoint)
                runner_of = EndpointRunner(name, self._attempts, self._kafka, may_send, MAX_WAITING)
                self._runners[name] = asyncio.create_task(runner_of.run())

    def _may_read(self, endpoint: Endpoint) -> bool:
        """A source that the table no longer names may not read, so nothing is sent to it."""
        return endpoint.source in self._partners()

    def _may_send(self, endpoint: Endpoint) -> bool:
        return self._leases.held(_lease(endpoint.id)) and self._may_read(endpoint)

    async def _observe(self) -> None:
        """Updates the gauges. Each process sets them for all endpoints of its localities."""
        found: Counter[tuple[str, str]] = Counter()
        for endpoint in await self._attempts.endpoints.all():
            found[endpoint.locality, _shown_state(endpoint)] += 1
        waiting = await self._attempts.deliveries.waiting_by_locality()
        now = self._attempts.clock()
        for locality in self._localities:
            for state in _STATES:
                metrics.webhook_endpoints.labels(locality, state).set(found[locality, state])
            events, oldest = waiting.get(locality, (0, now))
            metrics.webhook_waiting.labels(locality).set(events)
            metrics.webhook_oldest_waiting.labels(locality).set(max((now - oldest).total_seconds(), 0.0))


def _shown_state(endpoint: Endpoint) -> str:
    if endpoint.state is EndpointState.ENABLED:
        return "failing" if endpoint.failing_since else "enabled"
    because = endpoint.because.value if endpoint.because else ""
    return f"disabled_{because}" if because in ("failing", "gone") else "disabled"


def _lease(endpoint: str) -> str:
    return f"webhook/{endpoint}"
