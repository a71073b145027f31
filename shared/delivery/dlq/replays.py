"""Dead letters that an operator has asked to be taken again.

They come back by a row in the service's own database, not by the topic: on the topic every service would
hear them once more. The record is read, folded and decided upon as if it had just come from where it first
lay; its effect and the end of its row share a transaction. One that fails again becomes a dead letter again,
under the same id.
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
_MOST_CONFLICTS = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """A record as it was when it was set aside."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class CannotOpen(Exception):
    """A letter that holds no record for us; the message is the reason's code."""


class Replays(Generic[V, R]):
    """Takes again what an operator asked for, of the localities that this process serves."""

    def __init__(self, context: ServiceContext[V, R], localities: Sequence[str]) -> None:
        self._context = context
        self._localities = list(localities)
        self._task: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """True while the loop runs."""
        return self._task is None or not self._task.done()

    def start(self) -> None:
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
        """Takes a page of what is asked for; True where there may be more.

        Raises:
            Transient, PyMongoError: the database is away; what is asked for stays asked for.
        """
        wanted = {"state": "asked", "locality": {"$in": self._localities}}
        found = self._context.mongo[DEAD_LETTERS].find(wanted).sort("at", 1).limit(_PAGE)
        rows = [dict(row) for row in await found.to_list(None)]
        for row in rows:
            await self._take(row)
        return len(rows) == _PAGE

    async def _take(self, row: Document) -> None:
        try:
            outcome = await self._patiently(row)
        except _Gone:
            return  # another process was quicker, or it was discarded just now
        if outcome.unit_of_work is not None:
            self._context.committed(outcome.unit_of_work)
        named = parse_topic(str(row["_id"]).split("/", maxsplit=1)[0])
        metrics.events_consumed.labels(
            self._context.definition.name,
            named.event if named else "unknown",
            row["locality"],
            {"handled": "ok", "duplicate": "duplicate"}.get(outcome.result, "dead_letter"),
        ).inc()
        _log.info("dead letter taken again: %s", outcome.result, extra=_whence(row))

    async def _patiently(self, row: Document) -> "_Outcome[V, R]":
        """One transaction, tried again where others wrote first; what our own code fails on is set aside."""
        transact = self._context.mongo.transact
        try:
            record = self._restored(row)
        except CannotOpen as reason:
            _log.error("a dead letter cannot be opened: %s", reason, extra=_whence(row))
            return await transact(partial(self._end, row, _Outcome(str(reason))))
        conflicts = 0
        while True:
            try:
                return await transact(partial(self._handle, row, record))
            except Conflict:
                conflicts += 1
                if conflicts > _MOST_CONFLICTS:
                    raise
                await asyncio.sleep(0.01)
            except (Transient, PyMongoError, _Gone):
                raise
            except Exception as error:
                _log.exception("a replayed record could not be handled", extra=_whence(row))
                letter = DeadLetter(record, "handler_failed", type(error).__name__)
                return await transact(partial(self._set_aside, row, letter))

    def _restored(self, row: Document) -> Restored:
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
        """The record through fold and decisions, as a batch of one."""
        incoming, letters = decode([record])
        if letters:
            return await self._set_aside(row, letters[0], tx)
        heard = incoming[0].received
        body = heard.fact.body
        round_ = self._context.unit_of_work(tx)
        await round_.read([(body.locality, body.referral_id)])
        told = round_.aggregate(body.locality, body.referral_id).append(heard)
        if told in DEAD_LETTER_REASONS:
            return await self._set_aside(row, DeadLetter(record, DEAD_LETTER_REASONS[told]), tx)
        await round_.decide(self._context.may_decide)
        await round_.write()
        return await self._end(
            row, _Outcome("handled" if told == "appended" else "duplicate", "replayed", round_), tx
        )

    async def _set_aside(self, row: Document, letter: DeadLetter, tx: Transaction) -> "_Outcome[V, R]":
        round_ = self._context.unit_of_work(tx)
        round_.messages.append(self._context.dead_letters.seal(letter))
        await round_.write()
        return await self._end(row, _Outcome(letter.reason, unit_of_work=round_), tx)

    async def _end(self, row: Document, outcome: "_Outcome[V, R]", tx: Transaction) -> "_Outcome[V, R]":
        """Ends the row. Raises `_Gone` where it is not as it was read, so that nothing else is written."""
        now = self._context.clock()
        state: LetterState = "replayed" if "taken" in row else outcome.state  # what was taken stays so
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


def _whence(row: Document) -> Document:
    """The fields of a log line about a row."""
    topic, partition, offset = str(row["_id"]).rsplit("/", maxsplit=2)
    return {"locality": row["locality"], "topic": topic, "partition": int(partition), "offset": int(offset)}


class _Gone(Exception):
    """The row is not asked for any more."""


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[V, R]):
    result: str  # `taken`, `repeat`, or the code of the new failure.
    state: LetterState = "failed"
    unit_of_work: UnitOfWork[V, R] | None = None
