"""What may be asked of the ledger: messages of a referral, failures, counts. Codes and times only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.notifications.messages.message import MessageName, Recipient, Template
from services.notifications.messages.policy import SEND
from services.notifications.messages.wording import Channel
from shared.delivery.mongo.database import Mongo
from shared.delivery.scheduler.effects import SENT
from shared.delivery.scheduler.task_rows import due_since
from shared.delivery.unit_of_work.aggregate import case_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS
from shared.platform.clock import LONDON

DROPPED: Final = ("erased", "not_safe", "vault_elsewhere", "link_ended")
"""Reasons for which a message is rightly not sent: no failure of anybody's."""
NOT_WANTED: Final = "no_longer_wanted"


class Status(StrEnum):
    """How a message stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as it is shown. `at`: when it was sent or given up, or is to be sent."""

    key: str
    locality: str
    referral: str
    name: MessageName
    status: Status
    at: datetime
    channel: Channel | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose case a referral is."""

    locality: str
    link_worker: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many messages of a day, template and recipient came to the same end."""

    day: str
    template: Template
    recipient: Recipient
    status: Status
    code: str | None
    messages: int


class Questions:
    """Reads the ledger and the rows that wait, for the localities that this process serves."""

    def __init__(self, mongo: Mongo, served: Sequence[str]) -> None:
        self._mongo = mongo
        self.served = tuple(served)

    async def whose(self, referral_id: str, localities: Iterable[str]) -> Whose | None:
        """Whose case this referral is, looked for in these localities only."""
        keys = [case_id(locality, referral_id) for locality in localities]
        found = await self._mongo[REFERRALS].find_one(
            {"_id": {"$in": keys}}, {"locality": 1, "view.link_worker": 1}
        )
        return Whose(found["locality"], found["view"]["link_worker"]) if found else None

    async def messages(self, locality: str, referral_id: str) -> list[Shown]:
        """Every message of a referral, the earliest first."""
        about = {"locality": locality, "referral": referral_id, "what": SEND}
        waiting = {row["_id"]: dict(row) async for row in self._mongo[TASKS].find(about)}
        ended = {row["_id"]: dict(row) async for row in self._mongo[SENT].find(about)}
        shown = [_ended(row) for key, row in ended.items() if key not in waiting]
        shown += [_waiting(row) for row in waiting.values()]
        return sorted(shown, key=lambda message: (message.at, message.key))

    async def failures(
        self, localities: Sequence[str], limit: int, after: tuple[datetime, str] | None = None
    ) -> list[Shown]:
        """Messages given up, the latest first, from behind the (at, key) given."""
        wanted: dict[str, Any] = {
            "locality": {"$in": list(localities)},
            "status": "failed",
            "code": {"$nin": list(DROPPED)},
        }
        if after is not None:
            at, key = after
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": key}}]
        found = self._mongo[SENT].find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [_ended(dict(row)) async for row in found]

    async def counts(self, localities: Sequence[str], since: datetime) -> list[Count]:
        """How messages went, by London day, template, recipient and end; the latest day first."""
        day = {"$dateToString": {"date": "$at", "format": "%Y-%m-%d", "timezone": str(LONDON)}}
        words = {"$split": ["$about", "."]}
        group = {
            "day": day,
            "template": {"$arrayElemAt": [words, 0]},
            "recipient": {"$arrayElemAt": [words, 1]},
            "status": "$status",
            "code": "$code",
        }
        rows = self._mongo[SENT].aggregate(
            [
                {
                    "$match": {
                        "locality": {"$in": list(localities)},
                        "at": {"$gte": since},
                        "status": {"$in": ["sent", "failed"]},
                    }
                },
                {"$group": {"_id": group, "messages": {"$sum": 1}}},
            ]
        )
        counts = [_count(row["_id"], row["messages"]) async for row in rows]
        return sorted(counts, key=lambda count: (count.day, count.template, count.recipient), reverse=True)

    async def waiting(self, localities: Sequence[str]) -> int:
        """How many messages wait for their time."""
        return await self._mongo[TASKS].count_documents({"locality": {"$in": list(localities)}, "what": SEND})


def _count(group: dict[str, Any], messages: int) -> Count:
    code = group.get("code")
    status = _status(group["status"], code)
    template, recipient = Template(group["template"]), Recipient(group["recipient"])
    return Count(group["day"], template, recipient, status, code, messages)


def _status(stored: str, code: str | None) -> Status:
    if stored == "sent":
        return Status.SENT
    return Status.DROPPED if code in DROPPED or code == NOT_WANTED else Status.FAILED


def _ended(row: dict[str, Any]) -> Shown:
    # One that was begun and has no row any more was taken back before a gateway had taken it.
    code = NOT_WANTED if row["status"] == "sending" else row.get("code")
    channel = row.get("reference", "").partition(":")[0] or None
    return Shown(
        key=row["_id"],
        locality=row["locality"],
        referral=row["referral"],
        name=MessageName.parse(row["about"]),
        status=_status(row["status"], code),
        at=row["at"],
        channel=channel,
        code=code,
    )


def _waiting(row: dict[str, Any]) -> Shown:
    name = MessageName.parse(row["about"])
    return Shown(row["_id"], row["locality"], row["referral"], name, Status.WAITING, due_since(row))
