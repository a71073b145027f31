"""Keeps the sums: a row for each (locality, month, shard), changed in the kernel's own transaction.

A referral's new contribution less its old one (kept in its document) is added to the rows. A report adds up
rows and never reads referrals, so its cost does not grow with the number of events. Rows are sharded as Kafka
partitions the log, so that two replicas, each with its own partitions, write different rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, cast

from bson import decode
from pymongo import UpdateOne

from services.evaluation.collections import SUMS
from services.evaluation.contributions.measures import Contribution, MeasureKey, difference
from services.evaluation.contributions.state import EvaluationState, stored_contribution
from shared.contract.events.partitioning import partition_of
from shared.delivery.model.service_definition import Changed, Loaded, no_sandbox
from shared.delivery.mongo.database import Transaction

# Rows in place of one. Topics of 1, 2, 3 or 6 partitions map whole partitions to a shard; others work too.
SHARDS: Final = 6

# The sums of each locality over its referrals.
Sums = Mapping[str, Contribution]

# Rows as the database returned them, not decoded. Each contains its id, so no two are equal.
Rows = frozenset[bytes]


def shard_of(referral_id: str) -> int:
    """The shard of a referral: the same for all referrals of one Kafka partition."""
    return partition_of(referral_id.encode(), SHARDS)


class TotalsRepository:
    """Keeps the sums in step with the referrals' documents. Those of a sandbox add nothing to them."""

    def __init__(self, is_sandbox: Callable[[str], bool] = no_sandbox) -> None:
        self._is_sandbox = is_sandbox

    async def load(
        self, tx: Transaction, referrals: Sequence[Loaded[EvaluationState]], now: datetime
    ) -> None:
        """Loads nothing: the service decides nothing."""
        return

    async def save(
        self, tx: Transaction, changes: Sequence[Changed[EvaluationState]], resources: None
    ) -> None:
        """Applies the changes of contributions to the sums."""
        await self.project(tx, changes)

    async def project(self, tx: Transaction, changes: Sequence[Changed[EvaluationState]]) -> None:
        """As `save`. A rebuild calls it."""
        await apply_changes(tx, [each for each in changes if not self._is_sandbox(each.locality)])


async def apply_changes(tx: Transaction, changes: Sequence[Changed[EvaluationState]]) -> None:
    """Adds the changes to the rows, in one bulk write."""
    writes = [_increment(row, numbers) for row, numbers in sorted(_by_row(changes).items())]
    if writes:
        await tx[SUMS].bulk_write(writes, session=tx.session, ordered=False)


class _RowKey(NamedTuple):
    locality: str
    period: str
    shard: int


def _by_row(changes: Iterable[Changed[EvaluationState]]) -> Mapping[_RowKey, Mapping[str, int]]:
    """The increments of each row, by field."""
    rows: dict[_RowKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for change in changes:
        shard = shard_of(change.referral_id)
        for key, number in difference(change.after.contribution, stored_contribution(change.before)).items():
            rows[_RowKey(change.locality, key.period, shard)][f"n.{key.measure}.{key.key}"] += number
    return rows


def _increment(row: _RowKey, numbers: Mapping[str, int]) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{row.locality}|{row.period}|{row.shard}"},
        {"$setOnInsert": {"locality": row.locality, "period": row.period}, "$inc": dict(numbers)},
        upsert=True,
    )


async def read_rows(tx: Transaction, first: str, last: str) -> Rows:
    """Reads the rows of all localities in the months from `first` to `last`, as of one moment."""
    of_months = {"period": {"$gte": first, "$lte": last}}
    rows: set[bytes] = set()
    async for batch in tx[SUMS].find_raw_batches(of_months, session=tx.session):
        rows.update(_documents(cast("bytes", batch)))  # Motor's types say that it is a document
    return frozenset(rows)


def _documents(batch: bytes) -> Iterator[bytes]:
    """Splits a batch into BSON documents. Each begins with its length in four bytes, little-endian."""
    at = 0
    while at < len(batch):
        end = at + int.from_bytes(batch[at : at + 4], "little")
        yield batch[at:end]
        at = end


class IncrementalSums:
    """Adds up rows that are read again and again. Decodes only the rows that changed."""

    def __init__(self) -> None:
        self._rows: Rows = frozenset()
        self._sums: dict[str, Contribution] = {}

    def sums(self, rows: Rows) -> Sums:
        """Adds up the rows of each locality over all shards.

        Returns a new mapping each time. The contribution of a locality with unchanged rows is the same object
        as before.
        """
        changes: dict[str, dict[MeasureKey, int]] = {}
        for changed, sign in ((rows - self._rows, 1), (self._rows - rows, -1)):
            for row in map(decode, changed):
                place, month = row["locality"], row["period"]
                if place not in changes:
                    changes[place] = dict(self._sums.get(place, {}))
                numbers = changes[place]
                for measure, counts in row["n"].items():
                    for name, number in counts.items():
                        key = MeasureKey(measure, month, name)
                        numbers[key] = numbers.get(key, 0) + sign * number
        self._rows, self._sums = rows, self._sums | changes
        return self._sums


async def read_sums(tx: Transaction, first: str, last: str) -> Sums:
    """Reads the sums of all localities in the months from `first` to `last`, as of one moment."""
    return IncrementalSums().sums(await read_rows(tx, first, last))
