"""Facts of partners that do not count: those that the fold says now, and since when a sweep has seen each.

A second body under one id is in no view, because the first stands. The stream notes it, and it never counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from services.referral.collections import NOTICES
from services.referral.partners.refusals import Noticed
from shared.contract.events.fact import Fact
from shared.contract.events.notices import NotCounted
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

# A row says so often at most that its fact was seen again. The database forgets rows not seen for 30 days.
_SEEN_AGAIN: Final = timedelta(days=1)
# A member of the ids of rows about second bodies alone: the first body under an id may not count either.
_PROBLEM: Final = "problem"


async def note_another_body(tx: Transaction, fact: Fact, now: datetime) -> None:
    """Notes a fact whose source said another body under its id before. The first time stays."""
    noticed = Noticed(
        fact.source,
        fact.id,
        fact.body.referral_id,
        aggregate_id(fact.body.locality, fact.body.referral_id),
        NotCounted.ANOTHER_BODY,
    )
    fresh = {"referral": noticed.referral, "row": noticed.row, "since": now, "seen": now, "told": None}
    await tx[NOTICES].update_one(
        {"_id": _id(noticed)}, {"$setOnInsert": fresh}, upsert=True, session=tx.session
    )


class NoticeRows:
    """The rows of notices, and the views of the referrals beside them."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def page(self, source: str, after: str, most: int) -> tuple[list[Noticed], str]:
        """Facts of a source that do not count, of the next so many referrals.

        Returns them, and the last referral; an empty text if the next page is the first again.
        """
        which = {"view.uncounted.source": source, "_id": {"$gt": after}}
        fields = {"referral": 1, "view.uncounted": 1}
        rows = await self._mongo[REFERRALS].find(which, fields).sort("_id", 1).limit(most).to_list(None)
        return [each for row in rows for each in _noticed(row, source)], (
            rows[-1]["_id"] if len(rows) == most else ""
        )

    async def note(self, found: Sequence[Noticed], now: datetime) -> None:
        """Notes facts that were seen; a fact that is known keeps the time at which it was first seen."""
        ids = [_id(each) for each in found]
        rows = {_key(row): row async for row in self._mongo[NOTICES].find({"_id": {"$in": ids}})}
        writes = [
            UpdateOne(
                {"_id": _id(each)},
                {
                    "$set": {"seen": now},
                    "$setOnInsert": {"referral": each.referral, "row": each.row, "since": now, "told": None},
                },
                upsert=True,
            )
            for each in found
            if (row := rows.get((each.source, each.id))) is None or row["seen"] <= now - _SEEN_AGAIN
        ]
        if writes:
            await self._mongo[NOTICES].bulk_write(writes, ordered=False)

    async def due(self, source: str, until: datetime, most: int) -> list[Noticed]:
        """Facts seen first at this time or before, which were not told and do not count even now.

        Forgets those among them that count by now.
        """
        which = {"_id.source": source, "told": None, "since": {"$lte": until}}
        found = await self._mongo[NOTICES].find(which).sort("since", 1).limit(most).to_list(None)
        second = [_another_body(row) for row in found if _PROBLEM in row["_id"]]
        rows = [row for row in found if _PROBLEM not in row["_id"]]
        documents = {"_id": {"$in": sorted({row["row"] for row in rows})}}
        views = self._mongo[REFERRALS].find(documents, {"referral": 1, "view.uncounted": 1})
        now = {each.id: each async for view in views for each in _noticed(view, source)}
        gone = [row["_id"] for row in rows if row["_id"]["id"] not in now]
        if gone:
            await self._mongo[NOTICES].delete_many({"_id": {"$in": gone}})
        return second + [now[row["_id"]["id"]] for row in rows if row["_id"]["id"] in now]

    async def mark_told(self, told: Sequence[Noticed], now: datetime) -> None:
        """Notes that these were told, which is once and for all."""
        which = {"_id": {"$in": [_id(each) for each in told]}}
        await self._mongo[NOTICES].update_many(which, {"$set": {"told": now}})


def _id(noticed: Noticed) -> dict[str, str]:
    named = {"source": noticed.source, "id": noticed.id}
    return named | ({_PROBLEM: noticed.reason.value} if noticed.reason is NotCounted.ANOTHER_BODY else {})


def _another_body(row: Row) -> Noticed:
    return Noticed(
        row["_id"]["source"], row["_id"]["id"], row["referral"], row["row"], NotCounted.ANOTHER_BODY
    )


def _key(row: Row) -> tuple[str, str]:
    return row["_id"]["source"], row["_id"]["id"]


def _noticed(row: Mapping[str, Any], source: str) -> list[Noticed]:
    return [
        Noticed(source, each["id"], row["referral"], row["_id"], NotCounted(each["reason"]))
        for each in row["view"]["uncounted"] or ()
        if each["source"] == source
    ]
