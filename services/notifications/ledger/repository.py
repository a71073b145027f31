"""Reads the ledger of messages for the policy.

The kernel writes the ledger (`sent`: permanent key, time, result, the gateway's reference) in the transaction
that removes the scheduled task. The ledger holds no address and no text.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.notifications.messages.policy import SEND, PastMessages, is_news
from services.notifications.messages.state import NotificationState
from shared.delivery.model.service_definition import Changed, Loaded
from shared.delivery.mongo.database import Transaction
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.aggregate import aggregate_id


def task_key(locality: str, referral_id: str, name: str) -> str:
    """The permanent key of a message: the key of its scheduled task."""
    return f"{SEND}|{aggregate_id(locality, referral_id)}|{name}"


class LedgerRepository:
    """Loads what the policy needs beside the state of a referral."""

    async def load(
        self, tx: Transaction, referrals: Sequence[Loaded[NotificationState]], now: datetime
    ) -> PastMessages:
        """Loads the ledger rows of all messages that could be scheduled now, or that those follow."""
        keys = [
            task_key(referral.locality, referral.referral_id, str(name))
            for referral in referrals
            for message in referral.view.messages
            if is_news(message, now)
            for name in (message.name, message.follows)
            if name is not None
        ]
        if not keys:
            return PastMessages({})
        rows = [dict(row) async for row in tx[SENT].find({"_id": {"$in": keys}}, session=tx.session)]
        sending = [row for row in rows if row["status"] == "sending"]
        return PastMessages(_names(row for row in rows if row not in sending), _names(sending))

    async def save(
        self, tx: Transaction, changes: Sequence[Changed[NotificationState]], resources: PastMessages
    ) -> None:
        """Saves nothing: the kernel writes the ledger."""


async def forget_messages(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes the ledger's rows of referrals that a sandbox forgets."""
    which = {"locality": locality, "referral": {"$in": list(referrals)}}
    await tx[SENT].delete_many(which, session=tx.session)


def _names(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], frozenset[str]]:
    names: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        names.setdefault((row["locality"], row["referral"]), set()).add(row["about"])
    return {referral: frozenset(found) for referral, found in names.items()}
