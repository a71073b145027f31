"""Queries of the ledger: messages of a referral, failures, counts. They return codes and times only."""

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
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS
from shared.platform.clock import LONDON

# Codes of messages that are rightly not sent. They are not failures.
DROPPED_CODES: Final = ("erased", "not_safe", "vault_elsewhere", "link_ended", "sandboxed")
NO_LONGER_NEEDED: Final = "no_longer_wanted"


class Status(StrEnum):
    """The status of a message as the API and the page show it."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One message with its status. `at` is when it was sent or given up, or is to be sent."""

    key: str
    locality: str
    referral: str
    name: MessageName
    status: Status
    at: datetime
    channel: Channel | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class ReferralOwner:
    """The locality and link worker of a referral."""

    locality: str
    link_worker: str | None


@dataclass(frozen=True, slots=True)
class MessageCount:
    """The number of messages of one day, template and recipient with the same status and code."""

    day: str
    template: Template
    recipient: Recipient
    status: Status
    code: str | None
    messages: int


class MessageQueries:
    """Reads the ledger and the tasks that wait, for the localities that this process serves."""

    def __init__(self, mongo: Mongo, served: Sequence[str]) -> None:
        self._mongo = mongo
        self.served = served

    async def owner(self, referral_id: str, localities: Iterable[str]) -> ReferralOwner | None:
        """Finds the owner of a referral in these localities only."""
        keys = [aggregate_id(locality, referral_id) for locality in localities]
        found = await self._mongo[REFERRALS].find_one(
            {"_id": {"$in": keys}}, {"locality": 1, "view.link_worker": 1}
        )
        return ReferralOwner(found["locality"], found["view"]["link_worker"]) if found else None

    async def messages(self, locality: str, referral_id: str) -> list[MessageRecord]:
        """Lists every message of a referral, the earliest first."""
        of_referral = {"locality": locality, "referral": referral_id, "what": SEND}
        waiting = {row["_id"]: dict(row) async for row in self._mongo[TASKS].find(of_referral)}
        ended = {row["_id"]: dict(row) async for row in self._mongo[SENT].find(of_referral)}
        records = [_ended(row) for key, row in ended.items() if key not in waiting]
        records += [_waiting(row) for row in waiting.values()]
        return sorted(records, key=lambda message: (message.at, message.key))

    async def failures(
        self, localities: Sequence[str], limit: int, after: tuple[datetime, str] | None = None
    ) -> list[MessageRecord]:
        """Lists messages that were given up, the latest first, after the (at, key) given."""
        wanted: dict[str, Any] = {
            "locality": {"$in": list(localities)},
            "status": "failed",
            "code": {"$nin": list(DROPPED_CODES)},
        }
        if after is not None:
            at, key = after
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": key}}]
        found = self._mongo[SENT].find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [_ended(dict(row)) async for row in found]

    async def referrals_with_failures(self, locality: str, since: datetime) -> list[str]:
        """The referrals of a locality about which a message was given up since then."""
        wanted = {
            "locality": locality,
            "status": "failed",
            "code": {"$nin": list(DROPPED_CODES)},
            "at": {"$gte": since},
        }
        return sorted(await self._mongo[SENT].distinct("referral", wanted))

    async def counts(self, localities: Sequence[str], since: datetime) -> list[MessageCount]:
        """Counts messages by London day, template, recipient, status and code; the latest day first."""
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
        """Counts messages that wait for their time."""
        return await self._mongo[TASKS].count_documents({"locality": {"$in": list(localities)}, "what": SEND})


def _count(group: dict[str, Any], messages: int) -> MessageCount:
    code = group.get("code")
    status = _status(group["status"], code)
    template, recipient = Template(group["template"]), Recipient(group["recipient"])
    return MessageCount(group["day"], template, recipient, status, code, messages)


def _status(stored: str, code: str | None) -> Status:
    if stored == "sent":
        return Status.SENT
    return Status.DROPPED if code in DROPPED_CODES or code == NO_LONGER_NEEDED else Status.FAILED


def _ended(row: dict[str, Any]) -> MessageRecord:
    # Claimed but without a task: it was no longer needed before a gateway took it.
    code = NO_LONGER_NEEDED if row["status"] == "sending" else row.get("code")
    channel = row.get("reference", "").partition(":")[0] or None
    return MessageRecord(
        key=row["_id"],
        locality=row["locality"],
        referral=row["referral"],
        name=MessageName.parse(row["about"]),
        status=_status(row["status"], code),
        at=row["at"],
        channel=channel,
        code=code,
    )


def _waiting(row: dict[str, Any]) -> MessageRecord:
    name = MessageName.parse(row["about"])
    return MessageRecord(row["_id"], row["locality"], row["referral"], name, Status.WAITING, due_since(row))
