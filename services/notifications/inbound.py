"""What comes in: the facts that may call for a message, all by one decision, and what sends it when due."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.notifications.decisions import SEND, Asking, Told, still_wanted
from services.notifications.folds import FOLD_VERSION, View, document, fold
from services.notifications.outbound import Outbound
from services.notifications.settings import NotificationsSettings
from services.notifications.store import Ledger
from shared.delivery.facts import Fact
from shared.delivery.part import Part, Sender
from shared.events.outcomes import KINDS
from shared.events.topics import locality_of_source
from shared.localities import Localities
from shared.story.fold import Rank

CALLS: Final = ("referral_created", "meeting_booked", *sorted(KINDS))
"""Any fact may bring a message back: a retraction undoes an ending, a miss leaves another meeting."""


def notifications(
    settings: NotificationsSettings, localities: Localities, outbound: Outbound
) -> Part[View, Told]:
    """The part as the kernel drives it."""
    ask = Asking(settings.settle)
    return replace(
        folding(localities),
        decisions=dict.fromkeys(CALLS, ask),
        senders={SEND: Sender(wanted=still_wanted, send=outbound.send)},
    )


def folding(localities: Localities) -> Part[View, Told]:
    """What it makes of the facts, without a decision and without a gateway."""
    rank = ranking(localities)

    def folded(facts: Sequence[Fact]) -> View:
        return fold(facts, rank)

    return Part(
        name="notifications",
        fold=folded,
        fold_version=FOLD_VERSION,
        document=document,
        store=Ledger(),
    )


def ranking(localities: Localities) -> Rank:
    """How much a source's word counts, by the localities file."""

    def rank(source: str) -> int:
        place = localities.by_slug.get(locality_of_source(source) or "")
        return place.rank(source) if place else 0

    return rank
