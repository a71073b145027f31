"""What this service keeps: the ledger of what was sent, and how it is asked.

The kernel writes the ledger (`sent`: permanent key, when, how it went, the gateway's reference) in the
transaction that removes the due row. It holds no address and no text.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.notifications.messages.policy import SEND, Told, fresh
from services.notifications.messages.state import View
from shared.delivery.model.service_definition import Changed, Loaded
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.aggregate import case_id
from shared.delivery.unit_of_work.unit_of_work import TASKS

OWNED: Final = (SENT,)
"""What nobody could tell us again: who was told what. A rebuild leaves it alone, or people are told twice."""
DERIVED: Final = ("referrals",)

_INDEXES: Final = {
    SENT: [
        IndexModel([("locality", ASCENDING), ("referral", ASCENDING)]),
        IndexModel([("locality", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("locality", ASCENDING), ("status", ASCENDING), ("at", DESCENDING)]),
    ],
    TASKS: [IndexModel([("locality", ASCENDING), ("referral", ASCENDING)])],
}


async def ensure_indexes(mongo: Mongo) -> None:
    """Makes the indexes that this service's questions need."""
    for name, indexes in _INDEXES.items():
        await mongo[name].create_indexes(indexes)


def row_key(locality: str, referral_id: str, name: str) -> str:
    """The permanent key of a message: that of its due row."""
    return f"{SEND}|{case_id(locality, referral_id)}|{name}"


class Ledger:
    """What decisions of this part rest on beside the view."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[View]], now: datetime) -> Told:
        """Which of the messages that could be asked for now, or that those come after, have come to an end.

        They were sent, refused or given up.
        """
        keys = [
            row_key(case.locality, case.referral_id, str(name))
            for case in referrals
            for message in case.view.messages
            if fresh(message, now)
            for name in (message.name, message.after)
            if name is not None
        ]
        if not keys:
            return Told({})
        rows = [dict(row) async for row in tx[SENT].find({"_id": {"$in": keys}}, session=tx.session)]
        sending = [row for row in rows if row["status"] == "sending"]
        return Told(_names(row for row in rows if row not in sending), _names(sending))

    async def save(self, tx: Transaction, changes: Sequence[Changed[View]], resources: Told) -> None:
        """Nothing: the kernel keeps the ledger."""


def _names(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], frozenset[str]]:
    names: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        names.setdefault((row["locality"], row["referral"]), set()).add(row["about"])
    return {case: frozenset(told) for case, told in names.items()}
