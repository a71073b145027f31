"""The sums: a row for each (measure, month, locality, partition), changed in the kernel's own transaction.

A referral's new contribution less its old one (kept in its document) is added to the rows, so that a report
adds up rows and never looks at referrals: it costs the same after ten million events as after ten. Rows are
parted as Kafka parts the log, so that two replicas, each with its own partitions, write different rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from bson import decode_all
from pymongo import ASCENDING, IndexModel, UpdateOne

from services.evaluation.cells import Cell, Contribution, difference
from services.evaluation.folds import Evaluated, counted
from shared.delivery.mongo import Mongo, Transaction
from shared.delivery.part import Changed, Loaded
from shared.events.partitioning import partition_of

FIGURES = "figures"
OWNED: tuple[str, ...] = ()
DERIVED = ("referrals", FIGURES)

SHARES = 6
"""Rows in place of one. Topics of 1, 2, 3 or 6 partitions map whole partitions to a row; others work too."""

Sums = Mapping[str, Contribution]
"""Of each locality the cells, added up over its referrals."""


def share_of(referral_id: str) -> int:
    """Which of the rows a referral counts in: the same for all referrals of one Kafka partition."""
    return partition_of(referral_id.encode(), SHARES)


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as the database gave them, not decoded. Equal digests are equal rows, and so equal sums."""

    digest: bytes
    batches: tuple[bytes, ...]


async def read_rows(tx: Transaction, first: str, last: str) -> Rows:
    """The rows of all localities in the months from `first` to `last`, as of one moment."""
    asked = {"period": {"$gte": first, "$lte": last}}
    digest, batches = sha256(), list[bytes]()
    async for batch in tx[FIGURES].find_raw_batches(asked, {"_id": False}, session=tx.session):
        raw = cast("bytes", batch)  # Motor's types say that it is a document
        digest.update(raw)
        batches.append(raw)
    return Rows(digest.digest(), tuple(batches))


def added_up(rows: Rows) -> Sums:
    """The sums of each locality: its rows, whichever share they are of."""
    numbers: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for batch in rows.batches:
        for row in decode_all(batch):
            numbers[row["locality"], row["measure"], row["period"]].update(row["n"])
    sums: dict[str, dict[Cell, int]] = defaultdict(dict)
    for (locality, measure, period), added in numbers.items():
        sums[locality].update((Cell(measure, period, key), number) for key, number in added.items())
    return sums


async def read_sums(tx: Transaction, first: str, last: str) -> Sums:
    """The sums of all localities in the months from `first` to `last`, as of one moment."""
    return added_up(await read_rows(tx, first, last))


async def ensure_indexes(mongo: Mongo) -> None:
    """Makes the collection and its index; a collection made inside a transaction would take a lock."""
    await mongo.make([FIGURES])
    await mongo[FIGURES].create_indexes([IndexModel([("period", ASCENDING)])])
