"""The sums: a row for each (locality, month, share), changed in the kernel's own transaction.

A referral's new contribution less its old one (kept in its document) is added to the rows, so that a report
adds up rows and never looks at referrals: it costs the same after ten million events as after ten. Rows are
parted as Kafka parts the log, so that two replicas, each with its own partitions, write different rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from bson import decode
from pymongo import ASCENDING, IndexModel, UpdateOne

from services.evaluation.contributions.measures import Cell, Contribution, difference
from services.evaluation.contributions.state import Evaluated, counted
from shared.contract.events.partitioning import partition_of
from shared.delivery.model.service_definition import Changed, Loaded
from shared.delivery.mongo.database import Mongo, Transaction

SUMS = "sums"
OWNED: tuple[str, ...] = ()
DERIVED = ("referrals", SUMS)

SHARES = 6
"""Rows in place of one. Topics of 1, 2, 3 or 6 partitions map whole partitions to a row; others work too."""

Sums = Mapping[str, Contribution]
"""Of each locality the cells, added up over its referrals."""

Rows = frozenset[bytes]
"""Rows as the database gave them, not decoded. No two are alike: their ids are in them."""


def share_of(referral_id: str) -> int:
    """Which of the rows a referral counts in: the same for all referrals of one Kafka partition."""
    return partition_of(referral_id.encode(), SHARES)


class SumStore:
    """Keeps the sums in step with the referrals' documents."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Evaluated]], now: datetime) -> None:
        return None

    async def save(self, tx: Transaction, changes: Sequence[Changed[Evaluated]], resources: None) -> None:
        await add_up(tx, changes)


async def add_up(tx: Transaction, changes: Sequence[Changed[Evaluated]]) -> None:
    """Adds what changed to the rows, in one bulk write."""
    writes = [_added(row, numbers) for row, numbers in sorted(_by_row(changes).items())]
    if writes:
        await tx[SUMS].bulk_write(writes, session=tx.session, ordered=False)


class _Row(NamedTuple):
    locality: str
    period: str
    share: int


def _by_row(changes: Iterable[Changed[Evaluated]]) -> Mapping[_Row, Mapping[str, int]]:
    """What is added to each row, by where it stands in the row."""
    rows: dict[_Row, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for change in changes:
        share = share_of(change.referral_id)
        for cell, number in difference(change.after.contribution, counted(change.before)).items():
            rows[_Row(change.locality, cell.period, share)][f"n.{cell.measure}.{cell.key}"] += number
    return rows


def _added(row: _Row, numbers: Mapping[str, int]) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{row.locality}|{row.period}|{row.share}"},
        {"$setOnInsert": {"locality": row.locality, "period": row.period}, "$inc": dict(numbers)},
        upsert=True,
    )


async def read_rows(tx: Transaction, first: str, last: str) -> Rows:
    """The rows of all localities in the months from `first` to `last`, as of one moment."""
    asked = {"period": {"$gte": first, "$lte": last}}
    rows: set[bytes] = set()
    async for batch in tx[SUMS].find_raw_batches(asked, session=tx.session):
        rows.update(_documents(cast("bytes", batch)))  # Motor's types say that it is a document
    return frozenset(rows)


def _documents(batch: bytes) -> Iterator[bytes]:
    """Each BSON document of a batch: it begins with its length, four bytes, the least significant first."""
    at = 0
    while at < len(batch):
        end = at + int.from_bytes(batch[at : at + 4], "little")
        yield batch[at:end]
        at = end


class AddedUp:
    """Sums of rows that are read again and again: only those that changed are looked into."""

    def __init__(self) -> None:
        self._rows: Rows = frozenset()
        self._sums: dict[str, Contribution] = {}

    def sums(self, rows: Rows) -> Sums:
        """The sums of each locality: its rows, whichever share they are of.

        Another mapping each time; in it, the contribution of a locality whose rows are the same is the same.
        """
        changes: dict[str, dict[Cell, int]] = {}
        for changed, sign in ((rows - self._rows, 1), (self._rows - rows, -1)):
            for row in map(decode, changed):
                place, month = row["locality"], row["period"]
                if place not in changes:
                    changes[place] = dict(self._sums.get(place, {}))
                numbers = changes[place]
                for measure, counts in row["n"].items():
                    for key, number in counts.items():
                        cell = Cell(measure, month, key)
                        numbers[cell] = numbers.get(cell, 0) + sign * number
        self._rows, self._sums = rows, self._sums | changes
        return self._sums


async def read_sums(tx: Transaction, first: str, last: str) -> Sums:
    """The sums of all localities in the months from `first` to `last`, as of one moment."""
    return AddedUp().sums(await read_rows(tx, first, last))


async def ensure_indexes(mongo: Mongo) -> None:
    """Makes the collection and its index; a collection made inside a transaction would take a lock."""
    await mongo.make([SUMS])
    await mongo[SUMS].create_indexes([IndexModel([("period", ASCENDING)])])
