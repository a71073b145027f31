"""A small part of a partner, in this process: right as a whole, wrong by the switches it is given."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from starlette.routing import Route

from conformance.contract import EVENTS
from conformance.events import (
    EPOCH_HEADER,
    INBOX_END,
    MARKER,
    Event,
    Ids,
    event_of,
    plain_headers,
    read,
    with_header,
)
from conformance.meetings import Referral, state_of
from conformance.sources import Sources
from conformance.world import NAME
from tests.harness.conformance.reading import readable
from tests.harness.conformance.small_server import SmallServer

LOOKS_EVERY = 0.2
Key = tuple[str, str]


@dataclass
class Stored:
    """What survives a kill."""

    facts: dict[Key, dict[tuple[str, str], Event]] = field(default_factory=lambda: defaultdict(dict))
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    epochs: dict[tuple[TopicPartition, str], int] = field(default_factory=dict)
    replies: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    outbox: dict[str, tuple[str, Event]] = field(default_factory=dict)


class SmallPart:
    """The part. `faults` are what it does wrong; `patience` is the measure of time of the run."""

    governed = True
    name = "small"
    part = ""

    def __init__(
        self,
        kafka: dict[str, Any],
        localities: Collection[str],
        port: int,
        patience: float,
        faults: Collection[str] = (),
    ) -> None:
        self.kafka, self.localities, self.port = kafka, list(localities), port
        self.patience, self.faults = patience, faults
        self.stored = Stored()
        self.url = ""  # Of the kit, once it serves.
        self.workers: dict[str, dict[str, Any]] = defaultdict(dict)
        self.owned: dict[str, dict[str, Any]] = {}
        self.sources = Sources()
        self.new_id = Ids(random.Random())
        self._tasks: list[asyncio.Task[None]] = []
        self._busy = asyncio.Lock()
        self._states: dict[Key, Referral] = {}
        # Referrals that a later look may answer.
        self.later: set[Key] = set()

    async def start(self) -> None:
        """Reads the log to its end, then decides."""
        self.http = httpx.AsyncClient(trust_env=False, timeout=5)
        granted = await self.http.post(f"{self.url}/token", data={"scope": "contacts:read"})
        self.bearer = {"authorization": f"Bearer {granted.json()['access_token']}"}
        self.producer = AIOKafkaProducer(**self.kafka, acks="all")
        level = "read_uncommitted" if "reads what was aborted" in self.faults else "read_committed"
        self.consumer = AIOKafkaConsumer(**self.kafka, group_id=None, isolation_level=level)
        await self.producer.start()
        await self.consumer.start()
        self._api = SmallServer(self.routes(), self.port)
        await self._api.start()
        for slug, event in list(self.stored.outbox.values()):
            await self._publish(slug, event)
        listed = await self.http.get(f"{self.url}/api/contract/v1/sources", headers=self.bearer)
        self.sources = Sources.of(listed.json()["sources"])
        await self._look()
        await self._assign()
        self._tasks = [asyncio.create_task(each) for each in (self._read(), self._follow())]

    async def kill(self) -> None:
        """Ends everything at once. What is stored stays."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._api.stop()
        await self.consumer.stop()
        await self.producer.stop()
        await self.http.aclose()

    async def wipe(self) -> bool:
        """Forgets everything."""
        self.stored = Stored()
        self._states.clear()
        return True

    # What it follows.

    async def _assign(self) -> None:
        topics = [f"{slug}.{event}.v1" for slug in self.localities for event in EVENTS]
        if "serves one locality" in self.faults:
            topics = topics[: len(EVENTS)]
        for topic in topics:
            await self.producer.partitions_for(topic)
        self.places = [
            TopicPartition(topic, n) for topic in topics for n in await self.producer.partitions_for(topic)
        ]
        self.consumer.assign(self.places)
        ends = await self.consumer.end_offsets(self.places)
        for place in self.places:
            start = self.stored.offsets.get(place, 0)
            self.consumer.seek(place, ends[place] if "reads on from the end" in self.faults else start)
        if "reads on from the end" in self.faults:
            return
        while any(self.stored.offsets.get(each, 0) < ends[each] for each in self.places):
            await self._poll()
            for each in self.places:
                self.stored.offsets[each] = max(
                    self.stored.offsets.get(each, 0), await self.consumer.position(each)
                )
        for key in list(self.stored.facts):
            await self.act(key)

    async def _follow(self) -> None:
        seen: Any = None
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            try:
                await self._look()
            except httpx.HTTPError:
                continue
            now = json.dumps([self.workers, self.owned, [self.decides(slug) for slug in self.localities]])
            for key in list(self.later if now == seen else self.stored.facts):
                await self.act(key)
            seen = now

    async def _look(self) -> None:
        for slug in self.localities:
            listed = await self.http.get(
                f"{self.url}/api/contract/v1/casework/link-workers",
                params={"locality": slug},
                headers=self.bearer,
            )
            if not (self.workers[slug] and "reads link workers once" in self.faults):
                self.workers[slug] = {each["id"]: each for each in listed.json()["link_workers"]}
            parts = await self.http.get(
                f"{self.url}/api/contract/v1/parts", params={"locality": slug}, headers=self.bearer
            )
            mine = next(each for each in parts.json()["parts"] if each["part"] == self.part)
            before, self.owned[slug] = self.owned.get(slug), mine
            claimed = (
                mine["owner"] == self.name
                and mine["handing_over"]
                and mine["handing_over"]["to"] != self.name
            )
            if (
                claimed
                and not (before and before["handing_over"])
                and "never says that it stopped" not in self.faults
            ):
                async with self._busy:
                    await self._end_inbox(slug, mine["epoch"])

    async def _end_inbox(self, slug: str, epoch: int) -> None:
        body = json.dumps({"locality": slug, "part": self.part, "epoch": epoch}).encode()
        headers = plain_headers(INBOX_END, self.new_id(), f"/{slug}/{self.name}", datetime.now(UTC))
        await self.producer.send_and_wait(f"in.{slug}.{self.name}", body, headers=headers, partition=0)

    def decides(self, slug: str) -> bool:
        """True if the part is ours, and its marker was passed in every partition."""
        mine = self.owned[slug]
        if "decides without owning" in self.faults:
            return True
        if mine["owner"] != self.name or (mine["handing_over"] and mine["handing_over"]["to"] != self.name):
            return False
        places = [each for each in self.places if each.topic.startswith(f"{slug}.")]
        return all(self.stored.epochs.get((each, slug), 0) >= mine["epoch"] for each in places)

    # What it reads.

    async def _read(self) -> None:
        while True:
            for event_key, kind in dict.fromkeys(await self._poll()):
                await self.act(event_key)
                if "answers each record" in self.faults and kind == "referral_created":
                    await self.act(event_key, again=True)

    async def _poll(self) -> list[tuple[Key, str]]:
        found = []
        for place, records in (await self.consumer.getmany(timeout_ms=50)).items():
            for record in records:
                event = self._take(place, record)
                found += [((place.topic.split(".")[0], event.referral), event.kind)] if event else []
            self.stored.offsets[place] = records[-1].offset + 1
        return found

    def _take(self, place: TopicPartition, record: Any) -> Event | None:
        slug = place.topic.split(".")[0]
        kind = next((value or b"" for name, value in record.headers if name == "ce_type"), b"").decode(
            errors="replace"
        )
        event = read(record)
        if kind == MARKER:
            if "stops at a marker" in self.faults:
                self.consumer.pause(place)
            body = json.loads(record.value)
            if body["part"] == self.part:
                self.stored.epochs[place, slug] = body["epoch"]
            return None
        if event is None or record.key is None:
            if "stops at a poison" in self.faults:
                self.consumer.pause(place)
            return None
        later = event.event.endswith(".v2")
        if later and "reads later versions" in self.faults:
            event = Event(event.id, event.source, event.event[:-3], event.data, event.time, event.recorded)
        elif event.event not in EVENTS:
            return None
        if not self._readable(slug, event, record):
            return None
        self._keep(slug, event)
        return event

    def _readable(self, slug: str, event: Event, record: Any) -> bool:
        data = event.data
        if not isinstance(data, dict) or record.key.decode(errors="replace") != data.get("referral_id"):
            return False
        if data.get("locality") != slug or not event.source.startswith(f"/{slug}/"):
            return False
        if not readable(event.event, data):
            return False
        if "follows only as owner" in self.faults and not self.decides(slug):
            return False
        if "reads no words of its own" in self.faults and event.source == f"/{slug}/{self.name}":
            return False
        if "refuses what it does not know" in self.faults and "field_to_come" in data:
            return False
        if "refuses what is to come" in self.faults and event.time > datetime.now(UTC) + timedelta(minutes=5):
            return False
        if "forgets what comes early" in self.faults and event.event != "referral-created":
            return any(f.kind == "referral_created" for f in self.stored.facts[slug, event.referral].values())
        skipped = {
            "ignores erasure": "person_erased",
            "ignores reopening": "referral_reopened",
            "ignores returns": "referral_returned",
            "ignores retraction": "retracted",
        }
        return all(event.kind != kind for fault, kind in skipped.items() if fault in self.faults)

    def _keep(self, slug: str, event: Event) -> None:
        facts = self.stored.facts[slug, event.referral]
        self._states.pop((slug, event.referral), None)
        name = (event.source, event.id)
        if name in facts and "takes the last body" in self.faults and facts[name].data != event.data:
            facts[self.new_id(), ""] = event
            facts.pop(name)
            for other in [n for n, f in facts.items() if f.kind == "meeting_booked"]:
                facts.pop(other)
        facts.setdefault(name, event)

    # What it says.

    async def act(self, key: Key, *, again: bool = False) -> None:
        """Does what the facts of a referral call for. `again`: as if nothing was done yet."""

    def routes(self) -> list[Route]:
        """What the part answers over HTTP."""
        return []

    def state(self, key: Key) -> Referral:
        """The state of a referral."""
        if key not in self._states:
            self._states[key] = state_of(self.stored.facts[key].values(), self.sources)
        return self._states[key]

    async def say(self, slug: str, referral: str, kind: str, body: dict[str, Any]) -> Event:
        """Publishes a fact and folds it at once."""
        outcome = {"kind": kind} if event_of(kind) == "outcome-recorded" else {}
        data = {"referral_id": referral, "locality": slug, **outcome, **body}
        if "names people" in self.faults:
            data["practice" if kind == "meeting_booked" else "kind"] = NAME
        if "says another part's words" in self.faults and kind == "meeting_booked":
            await self._send(
                slug,
                referral,
                "contact_attempted",
                {
                    "kind": "contact_attempted",
                    "channel": "phone",
                    "reached": True,
                    **{k: data[k] for k in ("referral_id", "locality")},
                },
            )
        return await self._send(slug, referral, kind, data)

    async def _send(self, slug: str, referral: str, kind: str, data: dict[str, Any]) -> Event:
        identity = str(uuid4()) if "makes random ids" in self.faults else self.new_id()
        now = datetime.now(UTC)
        event = Event(identity, f"/{slug}/{self.name}", event_of(kind), data, now, now)
        self._keep(slug, event)
        self.stored.outbox[event.id] = slug, event
        await self._publish(slug, event)
        return event

    async def _publish(self, slug: str, event: Event) -> None:
        key = b"key" if "keys by itself" in self.faults else event.referral.encode()
        headers = event.headers()
        if slug in self.owned:
            headers = with_header(headers, EPOCH_HEADER, str(self.owned[slug]["epoch"]))
        await self.producer.send_and_wait(
            f"in.{slug}.{self.name}", event.value(), key=key, headers=headers, partition=0
        )
        self.stored.outbox.pop(event.id, None)
