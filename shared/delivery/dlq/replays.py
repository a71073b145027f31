"""Replays dead letters that an operator has asked for.

A replay is a row in the service's own database, as on the topic every service would receive the event again.
The record is decoded, folded and decided on as if it had just arrived from its first position. Its effect and
the end of its row share a transaction. A record that fails again becomes a dead letter with the same id.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from pymongo.errors import PyMongoError

from shared.contract.events.topics import dead_letter_topic, parse_topic
from shared.delivery.consumer.batch import DEAD_LETTER_REASONS
from shared.delivery.consumer.incoming import decode
from shared.delivery.consumer.markers import write_markers
from shared.delivery.dlq.dead_letters import DeadLetter
from shared.delivery.dlq.rows import DEAD_LETTERS, LetterState, place_of
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.mongo.operations import note
from shared.delivery.outbox.rows import Message
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform import metrics

_PAGE = 20
_POLL_SECONDS = 1.0
_MAX_CONFLICTS = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """The record of a dead letter, as it was."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class CannotOpen(Exception):
    """A letter from which no record can be read; the message is the code of the reason."""


class Replays(Generic[V, R]):
    """Replays what operators asked for, in the localities that this process serves."""

    def __init__(self, context: ServiceContext[V, R], localities: Sequence[str]) -> None:
        self._context = context
        self._localities = localities
        self._task: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """True while the loop runs."""
        return self._task is None or not self._task.done()

    def start(self) -> None:
        """Starts the loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops the loop. Another process begins the interrupted replay again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                more = await self.run_once()
            except (PyMongoError, Transient) as error:
                _log.warning("replays wait: %s", type(error).__name__)
                more = False
            except Exception:
                _log.exception("replays failed")
                more = False
            if not more:
                await asyncio.sleep(_POLL_SECONDS)

    async def run_once(self) -> bool:
        """Replays a page of rows; True if there may be more.

        Raises:
            Transient, PyMongoError: the database is away; the rows stay.
        """
        wanted = {"state": "asked", "locality": {"$in": list(self._localities)}}
        found = self._context.mongo[DEAD_LETTERS].find(wanted).sort("at", 1).limit(_PAGE)
        rows = [dict(row) for row in await found.to_list(None)]
        for row in rows:
            await self._replay(row)
        return len(rows) == _PAGE

    async def _replay(self, row: Document) -> None:
        try:
            outcome = await self._replay_with_retries(row)
        except _Gone:
            return  # Another process replayed it, or an operator discarded it.
        if outcome.unit_of_work is not None:
            self._context.committed(outcome.unit_of_work)
        named = parse_topic(str(row["_id"]).split("/", maxsplit=1)[0])
        metrics.events_consumed.labels(
            self._context.definition.name,
            named.event if named else "unknown",
            row["locality"],
            {"handled": "ok", "duplicate": "duplicate"}.get(outcome.result, "dead_letter"),
        ).inc()
        _log.info("dead letter replayed: %s", outcome.result, extra=_log_fields(row))

    async def _replay_with_retries(self, row: Document) -> "_Outcome[V, R]":
        """Runs one transaction, again after each conflict. If our code fails, the record is dead-lettered."""
        transact = self._context.mongo.transact
        try:
            record = self._open(row)
        except CannotOpen as reason:
            _log.error("a dead letter cannot be opened: %s", reason, extra=_log_fields(row))
            return await transact(partial(self._end, row, _Outcome(str(reason))))
        conflicts = 0
        while True:
            try:
                return await transact(partial(self._handle, row, record))
            except Conflict:
                conflicts += 1
                if conflicts > _MAX_CONFLICTS:
                    raise
                await asyncio.sleep(0.01)
            except (Transient, PyMongoError, _Gone):
                raise
            except Exception as error:
                _log.exception("a replayed record could not be handled", extra=_log_fields(row))
                letter = DeadLetter(record, "handler_failed", type(error).__name__)
                return await transact(partial(self._dead_letter, row, letter))

    def _open(self, row: Document) -> Restored:
        headers = row["headers"]
        topic, partition, offset = place_of(headers).rsplit("/", maxsplit=2)
        message = Message(dead_letter_topic(self._context.definition.name), b"", row["sealed"], headers)
        try:
            opened = self._context.dead_letters.open(message)
        except ValueError:
            raise CannotOpen("sealed_with_another_key") from None
        if opened.headers is None:
            raise CannotOpen("only_hash_kept")
        return Restored(topic, int(partition), int(offset), opened.key, opened.value, opened.headers)

    async def _handle(self, row: Document, record: Restored, tx: Transaction) -> "_Outcome[V, R]":
        """Folds the record and decides, as for a batch of one."""
        decoded = decode([record])
        if decoded.dead_letters:
            return await self._dead_letter(row, decoded.dead_letters[0], tx)
        if decoded.markers:
            await write_markers(decoded.markers, tx)
            return await self._end(row, _Outcome("handled", "replayed"), tx)
        received = decoded.incoming[0].received
        body = received.fact.body
        unit_of_work = self._context.unit_of_work(tx)
        await unit_of_work.read([(body.locality, body.referral_id)])
        appended = unit_of_work.aggregate(body.locality, body.referral_id).append(received)
        if appended in DEAD_LETTER_REASONS:
            return await self._dead_letter(row, DeadLetter(record, DEAD_LETTER_REASONS[appended]), tx)
        await unit_of_work.decide(self._context.may_decide)
        await unit_of_work.write()
        return await self._end(
            row, _Outcome("handled" if appended == "appended" else "duplicate", "replayed", unit_of_work), tx
        )

    async def _dead_letter(self, row: Document, letter: DeadLetter, tx: Transaction) -> "_Outcome[V, R]":
        unit_of_work = self._context.unit_of_work(tx)
        unit_of_work.messages.append(self._context.dead_letters.seal(letter))
        await unit_of_work.write()
        return await self._end(row, _Outcome(letter.reason, unit_of_work=unit_of_work), tx)

    async def _end(self, row: Document, outcome: "_Outcome[V, R]", tx: Transaction) -> "_Outcome[V, R]":
        """Ends the row. Raises `_Gone` if the row has changed, so that nothing else is written."""
        now = self._context.clock()
        state: LetterState = (
            "replayed" if "taken" in row else outcome.state
        )  # A record that was taken stays so.
        ended = await tx[DEAD_LETTERS].update_one(
            {"_id": row["_id"], "state": "asked", "ask": row["ask"]},
            {
                "$set": {"state": state, "result": outcome.result, "ended": now},
                "$unset": {"sealed": "", "headers": ""},
            },
            session=tx.session,
        )
        if ended.modified_count == 0:
            raise _Gone
        what = f"dead letter {outcome.state}"
        about: Document = {"place": row["_id"], "letter": row["letter"], "result": outcome.result}
        await note(tx, self._context.new_id, now, what=what, by=row["by"], why=row["why"], about=about)
        return outcome


def _log_fields(row: Document) -> Document:
    """The fields of a log line about a row."""
    topic, partition, offset = str(row["_id"]).rsplit("/", maxsplit=2)
    return {"locality": row["locality"], "topic": topic, "partition": int(partition), "offset": int(offset)}


class _Gone(Exception):
    """The replay is no longer asked for."""


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[V, R]):
    result: str  # `handled`, `duplicate`, or the code of the new failure.
    state: LetterState = "failed"
    unit_of_work: UnitOfWork[V, R] | None = None
