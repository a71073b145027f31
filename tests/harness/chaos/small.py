"""A small run in which every promise was kept, as evidence; tests take from it or add to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.partitioner import murmur2

from chaos.account import accounts
from chaos.calls import reference
from chaos.evidence import PARTITIONS, Evidence, Handed, Opened, Poisoned, Taken
from chaos.log import Entry, read
from chaos.reconcile import PARTS
from chaos.recount import recounted
from chaos.says import EventName, saying

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LOCALITY = "meir"


def identity(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


class Story:
    """Writes a log, record by record."""

    def __init__(self) -> None:
        self.log: list[Entry] = []

    def say(self, event: EventName, source: str, body: dict[str, Any], number: int | None = None) -> Entry:
        number = 1000 + len(self.log) if number is None else number
        said = saying(LOCALITY, event, identity(number), NOW, body, source)
        entry = Entry(
            said.topic, 0, len(self.log), 100.0 + len(self.log), said.key, said.value, tuple(said.headers)
        )
        self.log.append(entry)
        return entry

    def created(self, referral: int, source: str = "referral") -> Entry:
        body = {"referral_id": identity(referral), "needs": ["debt"]}
        return self.say("referral-created", source, body)

    def booked(
        self,
        referral: int,
        meeting: int,
        hour: int,
        source: str = "matching",
        sequence: int = 0,
        link_worker: int = 1,
    ) -> Entry:
        body = {
            "referral_id": identity(referral),
            "meeting_id": identity(meeting),
            "sequence": sequence,
            "link_worker": f"lw-meir-{link_worker}",
            "starts_at": (NOW + timedelta(hours=hour)).isoformat(),
            "minutes": 30,
        }
        return self.say("meeting-booked", source, body)

    def outcome(self, referral: int, kind: str, source: str = "history", **more: Any) -> Entry:
        return self.say("outcome-recorded", source, {"referral_id": identity(referral), "kind": kind, **more})


def kept() -> Evidence:
    """Referral 1 was accepted, 2 is a partner's and closed, 3 waits; one record of poison was set aside."""
    story = Story()
    story.created(1)
    story.booked(1, 11, hour=2)
    story.created(2, "history")
    story.booked(2, 12, hour=3)
    story.outcome(2, "meeting_cancelled", meeting_id=identity(12), by="person", why="other")
    story.outcome(2, "referral_closed", reason="completed")
    story.created(3, "history")
    story.log[-1] = copied(story.log[-1], 0)
    story.outcome(3, "meeting_waiting", reason="no_slot", expected_by="2026-12-01")
    bad = Entry("meir.referral-created.v1", 0, 99, 150.0, b"key", b"{", (("x", None),))
    story.log.append(bad)
    return evidence_of(story.log, bad)


def evidence_of(log: list[Entry], bad: Entry) -> Evidence:
    events = [event for entry in log if entry is not bad and (event := read(entry))]
    told = accounts(events)
    told_of = [
        *((1, f"booked.{who}.{identity(11)}") for who in ("link_worker", "person", "referrer")),
        (2, f"cancelled.link_worker.{identity(12)}"),
    ]
    references = [reference(LOCALITY, identity(of), name, "mail") for of, name in told_of]
    return Evidence(
        accepted={identity(1): 101.0},
        unanswered=0,
        refused=[],
        said={(event.who, event.id): event.at for event in events if event.who.endswith("/history")},
        poison=[Poisoned("a brace", True, 149.0, bad.topic, bad.key, bad.value, bad.headers)],
        log=log,
        letters=[Opened(part, bad.place, bad.key, bad.value, bad.headers) for part in PARTS],
        handed=[Handed(each, "mail", 105.0, "notifications") for each in references],
        taken=[Taken("lw-meir-1", NOW + timedelta(hours=2), 30, identity(1), identity(11))],
        figures=recounted(told.values()),
        lag={"meir.matching": 0},
        stuck={"matching: outbox": 0},
        inboxes=inboxes_of(log),
        facts={part: {f"{event.who}/{event.id}" for event in events} for part in PARTS},
    )


def copied(entry: Entry, offset: int) -> Entry:
    """The record as admission copies it from an inbox, in the partition of its key."""
    receipt = (("linkwork-inbox", b"in.meir.history"), ("linkwork-inbox-offset", str(offset).encode()))
    partition = (murmur2(entry.key or b"") & 0x7FFFFFFF) % PARTITIONS
    return replace(entry, partition=partition, headers=(*entry.headers, *receipt))


def inboxes_of(log: list[Entry]) -> list[Entry]:
    """The records of the inbox whose copies are on the log."""
    found = []
    for entry in log:
        if (offset := dict(entry.headers).get("linkwork-inbox-offset")) is not None:
            headers = tuple(pair for pair in entry.headers if not pair[0].startswith("linkwork-"))
            place = replace(entry, topic="in.meir.history", partition=0, offset=int(offset))
            found.append(replace(place, headers=headers))
    return found


def with_more(evidence: Evidence, *entries: Entry) -> Evidence:
    """The evidence with these records on the log as well, and figures that count them."""
    log = [*evidence.log, *entries]
    bad = {poisoned.content for poisoned in evidence.poison}
    events = [event for entry in log if entry.content not in bad and (event := read(entry))]
    heard = {f"{event.who}/{event.id}" for event in events}
    figures = recounted(accounts(events).values())
    return replace(evidence, log=log, figures=figures, facts=dict.fromkeys(PARTS, heard))
