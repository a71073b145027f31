"""Wires webhooks of one process: what sends, and what operators and partners ask for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.notifications.settings import NotificationsSettings
from services.notifications.webhooks.attempts import Attempts
from services.notifications.webhooks.dispatcher import WebhookDispatcher
from services.notifications.webhooks.policy import Schedule
from services.notifications.webhooks.repository import Deliveries, Endpoints
from services.notifications.webhooks.sealing import Sealing
from services.notifications.webhooks.sending import WebhookSender
from services.notifications.webhooks.use_cases import WebhookUseCases
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import Leases
from shared.delivery.options import Options
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.localities import Localities
from shared.platform.outbound.certificates import trusted_with
from shared.platform.outbound.resolving import Resolve, resolve_name

__all__ = ["Resolve", "Webhooks", "make_webhooks", "resolve_name"]


@dataclass(frozen=True)
class Webhooks:
    """The two sides of webhooks in one process."""

    dispatcher: WebhookDispatcher
    use_cases: WebhookUseCases


def make_webhooks(
    settings: NotificationsSettings,
    options: Options,
    mongo: Mongo,
    served: Sequence[str],
    localities: Localities,
    clock: Clock,
    new_id: NewId,
    resolve: Resolve,
) -> Webhooks:
    """Wires webhooks for the localities that this process serves."""
    private = settings.webhook_private_addresses
    sealing = Sealing(options.dead_letter_key)
    attempts = Attempts(
        Endpoints(mongo),
        Deliveries(mongo),
        WebhookSender(resolve, trusted_with(settings.webhook_ca_file), private_allowed=private),
        sealing,
        clock,
        random.random,
        Schedule(),
    )
    leases = Leases(mongo, new_id(), options.lease_seconds)
    dispatcher = WebhookDispatcher(
        attempts, options.kafka, leases, served, localities.partners, options.lease_seconds
    )
    use_cases = WebhookUseCases(mongo, sealing, clock, new_id, localities.partners, private_allowed=private)
    return Webhooks(dispatcher, use_cases)
