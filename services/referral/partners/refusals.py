"""Refusals and notices as their source is told them.

Refusals are told one by one up to a number a minute, the others counted by code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.referral.partners.checks import Refusal
from shared.contract.events.notices import POINTERS, FactNoticed, NotCounted
from shared.contract.events.refusals import SENTENCES, LastPlace, RecordRefused, RefusalCode
from shared.contract.events.topics import refusals_topic
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.outbox.rows import Message

SINGLY: Final = 60
WINDOW: Final = timedelta(minutes=1)


def record_refused(refusal: Refusal, record: Record, at: datetime) -> RecordRefused:
    """The line about one refused record."""
    return RecordRefused(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        code=refusal.code,
        detail=SENTENCES[refusal.code],
        pointer=refusal.pointer,
        problem=refusal.problem,
        id=refusal.id,
        at=at,
    )


def message_of(refused: RecordRefused, source: str) -> Message:
    """The message on the source's refusals topic. Its key is the place, so that a repeat is recognised."""
    place = f"{refused.topic}/{refused.partition}/{refused.offset}"
    body = refused.model_dump_json().encode()
    return Message(refusals_topic(source), place.encode(), body, {"content-type": "application/json"})


@dataclass(frozen=True, slots=True)
class Noticed:
    """A fact that does not count, with the rule; `row` is its referral's document."""

    source: str
    id: str
    referral: str
    row: str
    reason: NotCounted


def notice_of(noticed: Noticed, at: datetime) -> Message:
    """The message about a fact that does not count. Its key is the fact's id."""
    told = FactNoticed(
        id=noticed.id,
        referral=noticed.referral,
        pointer=POINTERS[noticed.reason],
        problem=noticed.reason,
        at=at,
    )
    body, topic = told.model_dump_json().encode(), refusals_topic(noticed.source)
    return Message(topic, noticed.id.encode(), body, {"content-type": "application/json"})


@dataclass(slots=True)
class _Counted:
    first: RecordRefused
    last: LastPlace
    count: int = 1

    def line(self, at: datetime) -> RecordRefused:
        if self.count == 1:
            return self.first
        summary = {
            "id": None,
            "pointer": "",
            "problem": None,
            "count": self.count,
            "last": self.last,
            "at": at,
        }
        return self.first.model_copy(update=summary)


class RefusalWindow:
    """The refusals of one source in the minute that began with the first of them.

    The offset of an inbox may be committed up to the first refusal that was only counted. A process that
    takes over then counts again, and no refusal is lost.
    """

    def __init__(self, singly: int = SINGLY, lasts: timedelta = WINDOW) -> None:
        self._singly = singly
        self._lasts = lasts
        self._ends: datetime | None = None
        self._told = 0
        self._counted: dict[RefusalCode, _Counted] = {}
        self._telling: list[_Counted] = []

    def add(self, refused: RecordRefused) -> RecordRefused | None:
        """The line to publish now, or None if the refusal is only counted."""
        if self._ends is None or refused.at >= self._ends:
            self._ends, self._told = refused.at + self._lasts, 0
        if self._told < self._singly:
            self._told += 1
            return refused
        last = LastPlace(partition=refused.partition, offset=refused.offset)
        counted = self._counted.get(refused.code)
        if counted is None:
            self._counted[refused.code] = _Counted(refused, last)
        else:
            counted.last, counted.count = last, counted.count + 1
        return None

    def due(self, now: datetime, *, at_once: bool = False) -> list[RecordRefused]:
        """The summaries to publish: of a minute that has ended, or all of them `at_once`.

        They are given again until `summaries_told`.
        """
        if at_once or (self._ends is not None and now >= self._ends):
            self._telling += self._counted.values()
            self._counted = {}
        return [counted.line(now) for counted in self._telling]

    def summaries_told(self) -> None:
        """Forgets the summaries that `due` gave: they are published."""
        self._telling = []

    def first_untold(self, partition: int) -> int | None:
        """The offset of the first refusal in a partition that no published line covers, or None."""
        offsets = (c.first.offset for c in self._untold() if c.first.partition == partition)
        return min(offsets, default=None)

    def _untold(self) -> Iterable[_Counted]:
        return (*self._telling, *self._counted.values())
