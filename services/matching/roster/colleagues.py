"""Colleagues who could take a case."""

from dataclasses import dataclass
from datetime import date

from services.matching.collections import LINK_WORKERS
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another link worker of the same practice, with signs of how busy they are."""

    worker: LinkWorker
    open_cases: int
    # Today.
    away: bool


async def colleagues_of(
    mongo: Mongo, locality: str, practice: str, but_not: str | None, today: date
) -> list[Colleague]:
    """The other link workers of this practice, those with the fewest open cases first."""
    rows = mongo[LINK_WORKERS].find({"locality": locality, "active": True, "_id": {"$ne": but_not}})
    workers = [worker_of(row) async for row in rows]
    there = [worker for worker in workers if practice in worker.practices]
    found = [
        Colleague(
            worker,
            await mongo[REFERRALS].count_documents(
                {"locality": locality, "view.open": True, "view.link_worker": worker.id}
            ),
            worker.away(today),
        )
        for worker in there
    ]
    return sorted(found, key=lambda each: (each.open_cases, each.worker.name))
