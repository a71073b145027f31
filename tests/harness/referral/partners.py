"""A partner's records, good and bad, and a table for them."""

import json
from collections.abc import Container
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import inbox_topic
from shared.platform.ids import new_id
from shared.platform.localities import Locality, Source
from tests.harness.delivery.toy import created, said

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PARTNER = "vast-hub"


@dataclass(frozen=True)
class Sent:
    """A record as an inbox holds it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    topic: str = inbox_topic(f"/meir/{PARTNER}")
    partition: int = 0
    offset: int = 7

    def with_header(self, name: str, value: bytes | None) -> "Sent":
        """The same with this header in place of another value."""
        return replace(self, headers=(*(pair for pair in self.headers if pair[0] != name), (name, value)))

    def with_body(self, **changes: Any) -> "Sent":
        """The same with a body of other values; None takes a field away."""
        body = json.loads(self.value or b"{}") | changes
        return replace(self, value=json.dumps({k: x for k, x in body.items() if x is not None}).encode())

    def at(self, offset: int) -> "Sent":
        return replace(self, offset=offset)

    def attribute(self, name: str) -> str:
        return (dict(self.headers)[f"ce_{name}"] or b"").decode()

    def structured(self) -> dict[str, Any]:
        """The same event in the CloudEvents JSON format."""
        named = {n.removeprefix("ce_"): (x or b"").decode() for n, x in self.headers if n.startswith("ce_")}
        return named | ({} if self.value is None else {"data": json.loads(self.value)})


def sent(event: Envelope) -> Sent:
    headers: list[tuple[str, bytes | None]] = [*event.headers()]
    return Sent(event.body.referral_id.encode(), event.raw, tuple(headers), inbox_topic(event.source))


def creation(locality: str, partner: str = PARTNER) -> Envelope:
    """A referral that a partner makes."""
    return said(created(locality), partner, time=NOW)


def attempt(locality: str, referral: str | None = None, partner: str = PARTNER) -> Envelope:
    """An attempt to reach a person."""
    body: EventBody = ContactAttempted(
        referral_id=referral or new_id(), locality=locality, channel=v.Channel.PHONE, reached=False
    )
    return said(body, partner, time=NOW)


@dataclass
class FixedTable:
    """A table that refuses what a test says."""

    sources: tuple[str, ...] = (f"/meir/{PARTNER}",)
    code: RefusalCode | None = None
    version: str = "7"
    asked: list[Envelope] = field(default_factory=list)

    def partners(self) -> tuple[str, ...]:
        return self.sources

    def sources_in(self, localities: Container[str]) -> tuple[Source, ...]:
        return ()

    def locality(self, slug: str) -> Locality | None:
        return None

    def brings(self, source: str) -> bool:
        return False

    def refusal(self, event: Envelope) -> RefusalCode | None:
        self.asked.append(event)
        return self.code


@dataclass(frozen=True)
class Bad:
    """A record that admission refuses. `is_json`: it can be said in the CloudEvents JSON format too."""

    record: Sent
    code: str
    pointer: str = ""
    problem: str | None = None
    is_json: bool = True


def bad_records(locality: str) -> dict[str, Bad]:
    """A record of each sort that is refused."""

    def good() -> Sent:
        return sent(creation(locality))

    def outcome() -> Sent:
        return sent(attempt(locality))

    twice = good()
    kind, source = b"org.linkwork.referral-created", f"/{locality}/".encode()
    long = b'{"a":"' + b"x" * 70_000 + b'"}'
    other = b"01900000-0000-7000-8000-000000000001"
    return {
        "a null header": Bad(good().with_header("ce_id", None), "bad_header", is_json=False),
        "a header twice": Bad(
            replace(twice, headers=(*twice.headers, twice.headers[1])), "bad_header", is_json=False
        ),
        "a correlation that is a name": Bad(good().with_header("ce_correlationid", b"Mary S"), "bad_header"),
        "no attributes": Bad(replace(good(), headers=()), "not_cloudevents", is_json=False),
        "no version of CloudEvents": Bad(good().with_header("ce_specversion", b"0.3"), "not_cloudevents"),
        "another type": Bad(good().with_header("ce_type", b"org.example.x.v1"), "unknown_type", "/type"),
        "a later version": Bad(good().with_header("ce_type", kind + b".v2"), "later_version", "/type"),
        "an earlier version": Bad(good().with_header("ce_type", kind + b".v0"), "earlier_version", "/type"),
        "an id that is none": Bad(good().with_header("ce_id", b"Mary Smith"), "bad_id", "/id"),
        "another locality's source": Bad(
            good().with_header("ce_source", b"/longton/vast-hub"), "wrong_source", "/source"
        ),
        "a neighbour's source": Bad(
            good().with_header("ce_source", source + b"history"), "wrong_source", "/source"
        ),
        "our own source": Bad(
            good().with_header("ce_source", source + b"matching"), "wrong_source", "/source"
        ),
        "a time without a zone": Bad(
            good().with_header("ce_time", b"2026-11-24T10:00:00"), "bad_time", "/time"
        ),
        "no body": Bad(replace(good(), value=None), "empty_body", "/data"),
        "a long body": Bad(replace(good(), value=long), "too_large", "/data"),
        "half a body": Bad(replace(good(), value=b'{"a": '), "bad_json", "/data", is_json=False),
        "no needs": Bad(good().with_body(needs=None), "invalid_body", "/data/needs", "missing"),
        "a need that is none": Bad(
            good().with_body(needs=["owes money"]), "invalid_body", "/data/needs/0", "enum"
        ),
        "an outcome without its channel": Bad(
            outcome().with_body(channel=None), "invalid_body", "/data/channel", "missing"
        ),
        "another locality's body": Bad(
            good().with_body(locality="longton"), "wrong_locality", "/data/locality"
        ),
        "a subject that is another's": Bad(good().with_header("ce_subject", other), "wrong_key", "/subject"),
        "a kind of the future": Bad(outcome().with_body(kind="person_moved"), "unknown_kind", "/data/kind"),
        "a neighbour's practice": Bad(
            good().with_body(practice="M83126"), "unknown_practice", "/data/practice"
        ),
    }


GOOD_RECORD = sent(creation("meir"))
