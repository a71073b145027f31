"""Everything that the partner keeps, in one SQLite file: it survives `kill -9`.

Facts, offsets and decisions are written in one transaction, so that no group's offsets are needed.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.contract.events.envelope import Envelope, Refused, read_body
from shared.contract.events.fact import Fact
from shared.contract.events.topics import EVENTS

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (
    source TEXT, id TEXT, referral TEXT, event TEXT, time TEXT, recorded TEXT, body BLOB,
    PRIMARY KEY (source, id));
CREATE INDEX IF NOT EXISTS of_referral ON facts (referral);
CREATE TABLE IF NOT EXISTS offsets (topic TEXT, partition INT, next INT, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS markers (
    topic TEXT, partition INT, epoch INT, PRIMARY KEY (topic, partition, epoch));
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INT, key BLOB, value BLOB, headers TEXT);
CREATE TABLE IF NOT EXISTS words (name TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True)
class Row:
    """A record of the outbox: decided in this epoch, not yet acknowledged."""

    id: int
    epoch: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Memory:
    """The file and its transactions."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Another thread answers HTTP; SQLite itself lets one in at a time.
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written within."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def add(self, event: Envelope) -> bool:
        """Keeps a fact; False if its source and id were known."""
        row = (event.source, event.id, event.body.referral_id, event.event)
        times = (event.time.isoformat(), event.recorded.isoformat(), event.raw)
        done = self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, *times))
        return done.rowcount > 0

    def facts(self, referral: str) -> list[Fact]:
        """The facts of a referral."""
        rows = self._db.execute(
            "SELECT source, id, event, time, recorded, body FROM facts WHERE referral = ?", (referral,)
        )
        found = []
        for source, identity, name, time, recorded, raw in rows.fetchall():
            event = next(each for each in EVENTS if each == name)
            at, said = (datetime.fromisoformat(each).astimezone(UTC) for each in (time, recorded))
            body = read_body(event, raw, said)
            if not isinstance(body, Refused):
                found.append(Fact(source, identity, event, at, said, body))
        return found

    def referrals(self) -> list[str]:
        """Every referral that any fact names."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT referral FROM facts ORDER BY referral")]

    def reached(self) -> dict[tuple[str, int], int]:
        """The next offset to read, by partition."""
        return {(topic, part): at for topic, part, at in self._db.execute("SELECT * FROM offsets")}

    def reach(self, topic: str, partition: int, following: int) -> None:
        """Keeps the next offset of a partition."""
        self._db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)", (topic, partition, following))

    def mark(self, topic: str, partition: int, epoch: int) -> None:
        """Keeps a marker of booking."""
        self._db.execute("INSERT OR IGNORE INTO markers VALUES (?, ?, ?)", (topic, partition, epoch))

    def marked(self, epoch: int) -> int:
        """The number of partitions that hold the marker of this epoch."""
        (count,) = self._db.execute("SELECT COUNT(*) FROM markers WHERE epoch = ?", (epoch,)).fetchone()
        return int(count)

    def put(self, epoch: int, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Adds a record to the outbox."""
        text = json.dumps([(name, content.decode()) for name, content in headers])
        self._db.execute(
            "INSERT INTO outbox (epoch, key, value, headers) VALUES (?, ?, ?, ?)", (epoch, key, value, text)
        )

    def outbox(self) -> list[Row]:
        """The records to publish, the oldest first."""
        rows = self._db.execute("SELECT id, epoch, key, value, headers FROM outbox ORDER BY id LIMIT 500")
        return [
            Row(identity, epoch, key, value, [(n, v.encode()) for n, v in json.loads(headers)])
            for identity, epoch, key, value, headers in rows.fetchall()
        ]

    def done(self, ids: Iterable[int]) -> None:
        """Removes records that the broker has."""
        self._db.executemany("DELETE FROM outbox WHERE id = ?", [(identity,) for identity in ids])

    def void(self, but: int) -> None:
        """Drops records of other epochs: they will never be true."""
        self._db.execute("DELETE FROM outbox WHERE epoch <> ?", (but,))

    def word(self, name: str, otherwise: Any = None) -> Any:
        """A value that was kept under a name."""
        row = self._db.execute("SELECT value FROM words WHERE name = ?", (name,)).fetchone()
        return otherwise if row is None else json.loads(row[0])

    def keep(self, name: str, value: Any) -> None:
        """Keeps a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO words VALUES (?, ?)", (name, json.dumps(value)))
