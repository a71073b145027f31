"""What comes in: the facts that may call for a message, all by one decision, and what sends it when due."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.notifications.ledger.repository import Ledger
from services.notifications.messages.effects import Outbound
from services.notifications.messages.policy import SEND, Asking, Told, still_wanted
from services.notifications.messages.state import FOLD_VERSION, View, document, fold
from services.notifications.settings import NotificationsSettings
from shared.contract.events.fact import Fact
from shared.contract.events.outcomes import KINDS
from shared.delivery.model.service_definition import Effect, ServiceDefinition
from shared.platform.localities import Localities

CALLS: Final = ("referral_created", "meeting_booked", *sorted(KINDS))
"""Any fact may bring a message back: a retraction undoes an ending, a miss leaves another meeting."""


def service_definition(
    settings: NotificationsSettings, localities: Localities, outbound: Outbound
) -> ServiceDefinition[View, Told]:
    """The part as the kernel drives it."""
    ask = Asking(settings.settle)
    return replace(
        folding_definition(localities),
        decisions=dict.fromkeys(CALLS, ask),
        senders={SEND: Effect(wanted=still_wanted, send=outbound.send)},
    )


def folding_definition(localities: Localities) -> ServiceDefinition[View, Told]:
    """What it makes of the facts, without a decision and without a gateway."""

    def folded(facts: Sequence[Fact]) -> View:
        return fold(facts, localities.rank)

    return ServiceDefinition(
        name="notifications",
        fold=folded,
        fold_version=FOLD_VERSION,
        document=document,
        store=Ledger(),
    )
