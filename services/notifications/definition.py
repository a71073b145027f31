"""The notifications service as the kernel drives it: which facts it decides on, and how it sends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.notifications.ledger.repository import LedgerRepository, forget_messages
from services.notifications.messages.effects import MessageSender
from services.notifications.messages.policy import (
    NEWS_AGE_LIMIT,
    SEND,
    MessagePolicy,
    PastMessages,
    is_reminder,
    is_still_needed,
)
from services.notifications.messages.state import FOLD_VERSION, NotificationState, fold, to_document
from services.notifications.settings import NotificationsSettings
from shared.contract.events.fact import Fact
from shared.contract.events.outcomes import KINDS
from shared.contract.history.stage import Stage
from shared.delivery.model.service_definition import Effect, ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities

# Any fact may call for a message: a retraction undoes an ending, a missed meeting leaves another one.
_ENDED: Final = (Stage.CLOSED, Stage.DECLINED, Stage.RETURNED, Stage.WITHDRAWN, Stage.ERASED, Stage.UNKNOWN)
DECIDES_ON: Final = ("referral_created", "meeting_booked", *sorted(KINDS))


def service_definition(
    settings: NotificationsSettings, localities: Localities, sender: MessageSender
) -> ServiceDefinition[NotificationState, PastMessages]:
    """The whole service: it folds, decides and sends. It publishes no events."""
    policy = MessagePolicy(settings.notification_delay, lambda: localities.programme_rules.reminder_days)
    return replace(
        folding_definition(localities),
        decisions=dict.fromkeys(DECIDES_ON, policy),
        # Reminders of meetings that the former owner told of, and news since the markers.
        look=policy,
        look_at=with_news_to_come,
        effects={SEND: Effect(is_still_needed=is_still_needed, send=sender.send, passes_over=is_reminder)},
    )


async def with_news_to_come(mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
    """The referrals of a locality that have not ended, or of which something was said that is still news."""
    going_on = {"view.stage": {"$nin": [stage.value for stage in _ENDED]}}
    news = {"facts.r": {"$gte": now - NEWS_AGE_LIMIT}}
    which = {"locality": locality, "$or": [going_on, news]}
    found: list[str] = await mongo[REFERRALS].distinct("referral", which)
    return [found]


def folding_definition(localities: Localities) -> ServiceDefinition[NotificationState, PastMessages]:
    """The service as a rebuild needs it: it folds, but decides and sends nothing."""

    def fold_with_priority(facts: Sequence[Fact]) -> NotificationState:
        return fold(facts, localities)

    return ServiceDefinition(
        name="notifications",
        fold=fold_with_priority,
        fold_version=FOLD_VERSION,
        to_document=to_document,
        repository=LedgerRepository(),
        fold_rules_version=localities.fold_rules_version,
        is_sandbox=localities.is_sandbox,
        forget=forget_messages,
    )
