"""The toy part with a derived collection: how many referrals are at which stage, and their meetings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from shared.contract.history import ReferralHistory
from shared.delivery.model.service_definition import Changed, NoRepository
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.rebuild.source import Rebuildable
from tests.harness.delivery.toy import TOY

TALLIES = "tallies"


async def tally(tx: Transaction, changes: Sequence[Changed[ReferralHistory]]) -> None:
    rows: dict[str, Counter[str]] = {}
    for change in changes:
        row = rows.setdefault(change.locality, Counter())
        for document, sign in ((change.before, -1), (change.document, 1)):
            if document is not None:
                row[f"n.{document['stage']}"] += sign
                row["n.meetings"] += sign * document["meetings"]
    writes = [
        UpdateOne({"_id": locality}, {"$inc": dict(row)}, upsert=True) for locality, row in rows.items()
    ]
    if writes:
        await tx[TALLIES].bulk_write(writes, session=tx.session)


class Tallying(NoRepository):
    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        await tally(tx, changes)


TALLIED = replace(TOY, repository=Tallying(), derived=(TALLIES,), project=tally)


async def ensure_indexes(mongo: Mongo) -> None:
    await mongo.make([TALLIES])
    await mongo["referrals"].create_indexes([IndexModel([("view.stage", ASCENDING)])])


def rebuildable(_: Path) -> Rebuildable:
    return Rebuildable(TALLIED, ensure_indexes)
