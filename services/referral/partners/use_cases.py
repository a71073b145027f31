"""Partners over HTTP: the checks of admission, the way into the inbox, and what became of an event."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from aiokafka.errors import KafkaError
from fastapi import Depends, Request

from services.referral.partners.checks import Refusal, judge
from services.referral.partners.inbox_ends import ended_epoch
from services.referral.partners.inputs import InboxRecord
from services.referral.partners.ownership import refusal_of_end
from services.referral.partners.repository import RefusalKeeper, accepted_fact, refused
from services.referral.partners.table import AdmissionTable
from shared.contract.events.envelope import Envelope
from shared.contract.events.inbox_end import EndOfInbox, InboxEnd
from shared.contract.events.notices import NotCounted
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import inbox_topic, locality_of_source, partner_source
from shared.delivery.kafka.producer import Producer
from shared.delivery.model.errors import Transient
from shared.delivery.model.facts import same_body
from shared.delivery.mongo.database import Mongo
from shared.delivery.outbox.rows import Message
from shared.platform.clock import Clock
from shared.platform.localities import Locality, Source
from shared.platform.web.principal import Principal


class AnotherBody(Exception):
    """The source has said something else under this id already."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The latest judgement of an event: a refusal with its time, or accepted.

    Attributes:
        uncounted: the rule by which an accepted event does not count, or not yet.
    """

    refusal: Refusal | None = None
    at: datetime | None = None
    uncounted: NotCounted | None = None


class PartnerEvents:
    """The events of partners who come by HTTP. A caller says and asks things of its own sources only."""

    def __init__(
        self, mongo: Mongo, producer: Producer, table: AdmissionTable, keeper: RefusalKeeper, clock: Clock
    ) -> None:
        self._mongo = mongo
        self._producer = producer
        self._sending = asyncio.Lock()  # Tasks must not share a producer.
        self._table = table
        self._keeper = keeper
        self._clock = clock

    async def judge(self, caller: Principal, source: str | None, record: InboxRecord) -> Envelope | Refusal:
        """The event, or the reason why it is refused. Without effect."""
        if source is None or source not in sources_of(caller):
            return Refusal(RefusalCode.WRONG_SOURCE, "/source")
        ended = await ended_epoch(self._mongo, source) if self._table.brings(source) else None
        found = judge(source, record.key, record.value, record.pairs(), self._table, ended)
        # The end of an inbox is no event: `stop` writes it.
        return Refusal(RefusalCode.UNKNOWN_TYPE, "/type") if isinstance(found, EndOfInbox) else found

    async def post(self, caller: Principal, source: str | None, record: InboxRecord) -> Envelope | Refusal:
        """Writes an event into its source's inbox, or says why not.

        Raises:
            AnotherBody: a fact of this source and id says something else.
            Transient: the broker or the database is away.
        """
        found = await self.judge(caller, source, record)
        if isinstance(found, Refusal):
            if source is not None and source in sources_of(caller):
                self._keeper.keep(source, found, self._clock())
            return found
        known = await accepted_fact(
            self._mongo, found.body.locality, found.body.referral_id, found.source, found.id
        )
        if known is not None and not same_body(known.body, found.raw):
            raise AnotherBody
        await self._write(Message(inbox_topic(found.source), record.key or b"", found.raw, record.headers))
        return found

    async def stop(self, source: str, end: InboxEnd, identity: str) -> RefusalCode | None:
        """Ends a source's inbox, whose part is being handed over, or says why not. Safe to repeat.

        Raises:
            Transient: the broker is away.
        """
        refused = refusal_of_end(self._table.locality(end.locality), source, end)
        if refused is None:
            record = EndOfInbox.of(end, source, identity, self._clock())
            await self._write(Message(inbox_topic(source), record.key, record.raw, record.attributes()))
        return refused

    async def say(self, event: Envelope) -> None:
        """Writes an event of a source of ours that speaks as a partner does into its inbox.

        Raises:
            Transient: the broker is away, or has no such inbox.
        """
        key = event.body.referral_id.encode()
        await self._write(Message(inbox_topic(event.source), key, event.raw, event.attributes()))

    async def verdict(self, caller: Principal, referral: str, event: str) -> Judged | None:
        """The result of an event of the caller's own source, or None if it was not seen."""
        for source in sorted(sources_of(caller)):
            locality = locality_of_source(source) or ""
            known = await accepted_fact(self._mongo, locality, referral, source, event)
            if known is not None:
                return Judged(uncounted=known.uncounted)
            row = await refused(self._mongo, source, event)
            if row is not None and row["referral"] in (None, referral):
                refusal = Refusal(RefusalCode(row["code"]), row["pointer"], row["problem"], event, referral)
                return Judged(refusal, row["at"])
        return None

    def sources(self, caller: Principal) -> tuple[str, tuple[Source, ...]]:
        """The version of the table in force, and the sources of the caller's localities by it."""
        return self._table.version, self._table.sources_in(caller.localities)

    def locality(self, caller: Principal, slug: str) -> tuple[str, Locality | None]:
        """The version of the table in force, and a locality of the caller's by it; None for any other."""
        there = self._table.locality(slug) if caller.may_locality(slug) else None
        return self._table.version, there

    async def close(self) -> None:
        """Stops the producer."""
        await self._producer.close()

    async def _write(self, message: Message) -> None:
        async with self._sending:
            try:
                (error,) = await self._producer.publish([message])
            except (KafkaError, OSError) as away:
                raise Transient from away
        if error is not None:
            raise Transient from error


def sources_of(caller: Principal) -> frozenset[str]:
    """The sources that a partner's token speaks for."""
    if caller.partner is None:
        return frozenset()
    return frozenset(partner_source(slug, caller.partner) for slug in caller.localities)


def partner_events_of(request: Request) -> PartnerEvents:
    """The use cases of the application that serves this request."""
    return cast("PartnerEvents", request.app.state.partner_events)


Events = Annotated[PartnerEvents, Depends(partner_events_of)]
