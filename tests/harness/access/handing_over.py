"""Two localities whose booking a partner may take over: our part, admission, and the operator's command."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from linkwork.__main__ import parse
from linkwork.config import Config
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.inbox_end import EndOfInbox, InboxEnd
from shared.contract.events.marker import Marker
from shared.contract.events.outcomes import MeetingWaiting
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import Part, event_topics, inbox_topic, partner_source, refusals_topic
from shared.delivery.control.publishing import publish_table, standing_versions
from shared.delivery.control.served import ServedSlugs
from shared.delivery.control.table import Control, ControlTable
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.delivery.rebuild.generations import claim_database
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import Partner, declare
from shared.platform.access.users import new_password
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import OURS, Localities, Locality
from tests.harness.control import Document, locality_of, shipped, topic_name, with_part
from tests.harness.delivery.toy import NOW, TOY, created, locality_name, said
from tests.harness.referral.admission import heard

JS: Final = "booking-js"


@dataclass
class Programme:
    """The localities, the stores and the operator's surroundings."""

    kafka: KafkaConnection
    config: Config
    slugs: tuple[str, str]
    passwords: dict[str, str]
    matching: Mongo
    referral: Mongo
    options: Options
    producer: AIOKafkaProducer

    @property
    def here(self) -> str:
        return self.slugs[0]

    def source(self, slug: str | None = None) -> str:
        return partner_source(slug or self.here, JS)

    async def command(self, *words: str) -> int:
        """Runs `linkwork hand-over`; gives its exit code."""
        return await parse(["hand-over", *words]).command.run(self.config)

    async def run(self, *more: str, slug: str | None = None) -> int:
        return await self.command("run", slug or self.here, "booking", "--to", JS, "--why", "a test", *more)

    async def back(self, *more: str, slug: str | None = None) -> int:
        return await self.command("back", slug or self.here, "booking", "--why", "a test", *more)

    async def table(self, slug: str | None = None) -> Locality:
        """The locality by the newest version of the table."""
        versions = (await standing_versions(self.kafka, self.config.control_topic)).versions
        newest = versions.newest
        assert newest is not None
        return newest.localities.by_slug[slug or self.here]

    async def owner(self, slug: str | None = None) -> tuple[str, int, str | None]:
        """Owner, epoch, and to whom booking is being handed over."""
        there = await self.table(slug)
        claim = there.claim("booking")
        return there.owner("booking"), there.epoch("booking"), claim.to if claim else None

    async def may_write(self, slug: str | None = None) -> bool:
        """True if the broker lets the partner write its inbox."""
        async with Cluster(self.kafka) as cluster:
            (broker,) = await cluster.brokers()
            return Partner(slug or self.here, JS).speaks in (await cluster.held(broker)).grants

    async def markers(self, count: int, slug: str | None = None) -> list[tuple[str, int, int, str]]:
        """Topic, partition, epoch and owner of the markers of booking, once there are so many."""
        topics = event_topics(slug or self.here)
        found = await heard(self.kafka, topics, count, 10.0, lambda r: r.key == b"booking")
        rows = [(r, read(r.topic, r.key, r.value, r.headers)) for r in found]
        return sorted(
            (r.topic, r.partition, marker.body.epoch, marker.body.owner)
            for r, marker in rows
            if isinstance(marker, Marker)
        )

    async def refer(self, slug: str | None = None) -> str:
        """A referral is created; gives its id."""
        event = said(created(slug or self.here))
        await self.producer.send_and_wait(
            event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
        )
        return event.body.referral_id

    def waiting(self, referral: str | None = None, slug: str | None = None) -> Envelope:
        """A fact that the partner says as booking."""
        body = MeetingWaiting(
            referral_id=referral or new_id(),
            locality=slug or self.here,
            reason=v.WaitingReason.NO_SLOT,
            expected_by=NOW.date(),
        )
        return said(body, JS, time=NOW)

    async def write(self, event: Envelope, *, as_user: bool = True) -> None:
        """Puts a fact of the partner into its inbox: as its user, or past all rights."""
        user = Partner(event.body.locality, JS).user
        kafka = self.kafka.as_user(user, SecretStr(self.passwords[user])) if as_user else self.kafka
        async with AIOKafkaProducer(**kafka.client_arguments()) as producer:
            await producer.send_and_wait(
                inbox_topic(event.source),
                event.raw,
                key=event.body.referral_id.encode(),
                headers=event.headers(),
            )

    async def copies(self, count: int, slug: str | None = None) -> list[str]:
        """Ids of the partner's facts in the three topics, once there are so many."""
        ours = ("ce_source", self.source(slug).encode())

        topics = event_topics(slug or self.here)
        found = await heard(self.kafka, topics, count, 15.0, lambda r: ours in r.headers)

        return [dict(record.headers)["ce_id"].decode() for record in found]

    async def refusals(self, count: int, slug: str | None = None) -> list[str]:
        """Codes on the partner's refusals topic, once there are so many."""
        found = await heard(self.kafka, [refusals_topic(self.source(slug))], count)
        return [RecordRefused.model_validate_json(record.value or b"").code for record in found]

    @asynccontextmanager
    async def partner(self) -> AsyncIterator[None]:
        """A partner that ends its inbox when the part is to be another's."""
        stopping = asyncio.create_task(self._ends_inboxes())
        try:
            yield
        finally:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    async def _ends_inboxes(self) -> None:
        ended: set[tuple[str, int]] = set()
        while True:
            for slug in self.slugs:
                owner, epoch, to = await self.owner(slug)
                if owner == JS and to not in (None, JS) and (slug, epoch) not in ended:
                    await self.end(epoch, slug)
                    ended.add((slug, epoch))
            await asyncio.sleep(0.2)

    async def end(self, epoch: int, slug: str | None = None) -> None:
        """The partner ends its inbox."""
        where = slug or self.here
        body = InboxEnd(locality=where, part="booking", epoch=epoch)
        end = EndOfInbox.of(body, self.source(where), new_id(), system_clock())
        user = Partner(where, JS).user
        kafka = self.kafka.as_user(user, SecretStr(self.passwords[user]))
        headers = [(name, value.encode()) for name, value in end.attributes().items()]
        async with AIOKafkaProducer(**kafka.client_arguments()) as producer:
            inbox = inbox_topic(self.source(where))
            await producer.send_and_wait(inbox, end.raw, key=end.key, headers=headers)


def _document(slugs: Sequence[str]) -> Document:
    """The shipped table with two localities alone, under these names."""
    whole = shipped()
    entries = []
    for slug, of in zip(slugs, ("meir", "longton"), strict=True):
        entries.append({**locality_of(whole, of), "slug": slug})
    document = {**whole, "locality": entries}
    for slug in slugs:
        document = with_part(document, JS, "booking", slug=slug, api="http://127.0.0.1:9")
    return document


@asynccontextmanager
async def programme(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Programme]:
    """Two localities with topics, users and rights; our booking and admission run."""
    slugs, topic = (locality_name(), locality_name()), topic_name()
    document = _document(slugs)
    await create_topics(kafka, slugs, [partner_source(slug, JS) for slug in slugs], control=topic)
    done = await publish_table(kafka, topic, document, "a-test", system_clock())
    assert done is not None
    users = {Partner(slug, JS).user: new_password() for slug in slugs}
    async with Cluster(kafka) as cluster:
        await cluster.store_users(users)
        grants = [each for each in declare(done.version.localities).grants if each.user in users]
        await cluster.create(grants)
        await cluster.until_held(grants, [])

    names: dict[Part, str] = {"matching": f"test_{slugs[0]}_m", "referral": f"test_{slugs[0]}_r"}

    nowhere = Path("nowhere.toml")  # The table is that of the control topic.
    config = Config(kafka, mongo_url, nowhere, operator="ada", control_topic=topic, databases=names)

    options = Options(
        kafka=kafka,
        mongo_url=mongo_url,
        database=names["matching"],
        dead_letter_key=b"a key for tests only",
        session_timeout_ms=3000,
        lease_seconds=2.0,
        task_poll_seconds=0.1,
    )
    async with AsyncExitStack() as ended:
        matching = Mongo(mongo_url, names["matching"])
        referral = Mongo(mongo_url, names["referral"])
        for mongo, part in ((matching, "matching"), (referral, "referral")):
            await claim_database(mongo, part)
            ended.push_async_callback(mongo.close)
            ended.push_async_callback(mongo.client.drop_database, mongo.database.name)
        producer = await ended.enter_async_context(AIOKafkaProducer(**kafka.client_arguments()))

        of_referral = replace(options, database=names["referral"])
        await ended.enter_async_context(_admission(of_referral, referral, topic))

        yield Programme(kafka, config, slugs, users, matching, referral, options, producer)


def _following(name: str, kafka: KafkaConnection, topic: str) -> ControlTable:
    return ControlTable(name, "all", Control(kafka, topic), Localities.unread(), system_clock)


@asynccontextmanager
async def _admission(options: Options, mongo: Mongo, topic: str) -> AsyncIterator[None]:
    table = _following("admission", options.kafka, topic)
    await table.start(mongo, lambda: None)
    judged, keeper, ends = ProgrammeTable(table.localities), RefusalKeeper(mongo), InboxEnds(mongo)
    admission = Admission(options, judged, keeper, ends, ServedSlugs(table), 1000.0, system_clock)
    admission.start()
    try:
        yield
    finally:
        await admission.stop()
        with contextlib.suppress(Exception):
            await table.stop()


@asynccontextmanager
async def booking(here: Programme, part: Any = TOY) -> AsyncIterator[Kernel[Any, Any]]:
    """Our booking in both localities."""
    table = _following("matching", here.kafka, here.config.control_topic)
    async with Kernel(part, here.options, table, system_clock).running() as kernel:
        yield kernel


__all__ = ["JS", "OURS", "Programme", "booking", "programme"]
