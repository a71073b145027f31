"""The sums: a row for each (measure, month, locality, partition), changed in the kernel's own transaction.

A referral's new contribution less its old one (kept in its document) is added to the rows, so that a report
adds up rows and never looks at referrals: it costs the same after ten million events as after ten. Rows are
parted as Kafka parts the log, so that two replicas, each with its own partitions, write different rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from aiokafka.partitioner import murmur2
from pymongo import ASCENDING, IndexModel, UpdateOne

from services.evaluation.cells import Cell, Contribution, difference
from services.evaluation.folds import Evaluated, counted
from shared.delivery.mongo import Mongo, Transaction
from shared.delivery.part import Changed, Loaded

FIGURES = "figures"
OWNED: tuple[str, ...] = ()
DERIVED = ("referrals", FIGURES)

SHARES = 6
"""Rows in place of one. Topics of 1, 2, 3 or 6 partitions map whole partitions to a row; others work too."""

Sums = Mapping[str, Contribution]
"""Of each locality the cells, added up over its referrals."""


def share_of(referral_id: str) -> int:
    """Which of the rows a referral counts in: the same for all referrals of one Kafka partition."""
    hashed: int = murmur2(referral_id.encode())
    return (hashed & 0x7FFFFFFF) % SHARES


class FigureStore:
    """Keeps the sums in step with the referrals' documents."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Evaluated]], now: datetime) -> None:
        return None

    async def save(self, tx: Transaction, changes: Sequence[Changed[Evaluated]], resources: None) -> None:
        await add_figures(tx, changes)


async def add_figures(tx: Transaction, changes: Sequence[Changed[Evaluated]]) -> None:
    """Adds what changed to the rows, in one bulk write."""
    writes = [_added(*row, numbers) for row, numbers in sorted(_by_row(changes).items())]
    if writes:
        await tx[FIGURES].bulk_write(writes, session=tx.session, ordered=False)


_Row = tuple[str, str, str, int]


def _by_row(changes: Iterable[Changed[Evaluated]]) -> Mapping[_Row, Mapping[str, int]]:
    rows: dict[_Row, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for change in changes:
        share = share_of(change.referral_id)
        for cell, number in difference(change.after.contribution, counted(change.before)).items():
            rows[change.locality, cell.period, cell.measure, share][cell.key] += number
    return rows


def _added(locality: str, period: str, measure: str, share: int, numbers: Mapping[str, int]) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{locality}|{period}|{measure}|{share}"},
        {
            "$setOnInsert": {"locality": locality, "period": period, "measure": measure},
            "$inc": {f"n.{key}": number for key, number in numbers.items()},
        },
        upsert=True,
    )


async def read_sums(tx: Transaction, first: str, last: str) -> Sums:
    """The sums of all localities in the months from `first` to `last`, as of one moment."""
    sums: dict[str, dict[Cell, int]] = defaultdict(lambda: defaultdict(int))
    found = tx[FIGURES].find({"period": {"$gte": first, "$lte": last}}, {"_id": False}, session=tx.session)
    async for row in found:
        of_locality = sums[row["locality"]]
        for key, number in row["n"].items():
            of_locality[Cell(row["measure"], row["period"], key)] += number
    return sums


async def ensure_indexes(mongo: Mongo) -> None:
    """Makes the collection and its index; a collection made inside a transaction would take a lock."""
    await mongo.make([FIGURES])
    await mongo[FIGURES].create_indexes([IndexModel([("period", ASCENDING)])])
