"""CloudEvents 1.0, Kafka binary mode: attributes in `ce_*` headers, the body as JSON.

Reading is done record by record and never raises: what cannot be read comes back as `Refused` with a code.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from shared.contract.events import topics
from shared.contract.events.marker import MARKER_TYPE, Marker, PartHandedOver, control_source
from shared.contract.events.models import AFTER, FIRST, EventBody, MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import KINDS, OUTCOME

# A body has no free text: a larger one is not an event of ours.
MAX_BODY_BYTES: Final = 64 * 1024

# A letter names no more of them: the first ones tell whoever publishes where to look.
_MOST_PROBLEMS: Final = 5

_UUID = re.compile(r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
# An opaque word, such as a correlation id or an actor.
_OPAQUE = re.compile(r"\A[0-9A-Za-z-]{1,64}\Z")
_TRACEPARENT = re.compile(r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record is not an event: codes for the dead letter, never a word of the input."""

    reason: str
    # Fields of the body that differ from its schema, each with a code: `meeting_id missing, needs.1 enum`.
    error: str = ""


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """An OutcomeRecorded of a kind that this version does not know: kept raw, folded by a later version."""

    referral_id: str
    locality: str
    kind: str = "unknown"


Body = EventBody | UnknownOutcome
# By the class itself: pydantic answers `isinstance` in Python, which costs more than all else here.
_EVENTS: Final[Mapping[type[EventBody], topics.EventName]] = {
    ReferralCreated: "referral-created",
    MeetingBooked: "meeting-booked",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event: who said what about which referral, when it happened and when it was said.

    Attributes:
        time: when it happened; aware, in UTC. `recorded`, too.
        raw: the JSON body as it stands on the bus.
        actor: the person by whose command it was said, as an opaque word.
    """

    id: str
    source: str
    event: topics.EventName
    time: datetime
    recorded: datetime
    body: Body
    raw: bytes
    correlation: str | None = None
    traceparent: str | None = None
    actor: str | None = None

    def topic(self) -> str:
        """The topic of the event in its locality."""
        return topics.topic(self.body.locality, self.event)

    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers of binary mode."""
        return [(name, value.encode()) for name, value in self.attributes().items()]

    def attributes(self) -> dict[str, str]:
        """The same as text: the CloudEvents attributes and the content type, under their headers' names."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": topics.event_type(self.event),
            "ce_subject": self.body.referral_id,
            "ce_time": (time := stamp(self.time)),
            "ce_recordedtime": time if self.recorded is self.time else stamp(self.recorded),
            "ce_dataschema": topics.data_schema(self.event),
            "ce_partitionkey": self.body.referral_id,
            "content-type": "application/json",
        }
        if self.correlation:
            attributes["ce_correlationid"] = self.correlation
        if self.traceparent:
            attributes["ce_traceparent"] = self.traceparent
        if self.actor:
            attributes["ce_actor"] = self.actor
        return attributes


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return _stamp(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


@lru_cache(maxsize=64)  # one moment, when a batch is handled, is said of all that it says
def _stamp(utc: datetime) -> str:
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"


def event_of(body: EventBody) -> topics.EventName:
    """The event that has this body."""
    return _EVENTS.get(type(body), "outcome-recorded")


def read(
    topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> Envelope | Marker | Refused:
    """Takes a Kafka record apart. Never raises; a `Refused` says why with a code."""
    named = topics.parse_topic(topic)
    if named is None:
        return Refused("wrong_topic")
    attributes = _cloudevent(headers)
    if isinstance(attributes, Refused):
        return attributes
    if attributes["ce_type"] == MARKER_TYPE:
        return _read_marker(named, value, attributes)
    event = _event_of_type(attributes["ce_type"], named.version)
    if isinstance(event, Refused):
        return event
    if event != named.event:
        return Refused("wrong_topic")
    return _read_event(named.locality, event, key, value, attributes)


def read_any(
    locality: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> Envelope | Refused:
    """Takes a record of an inbox apart, which may hold any event of the locality. Never raises."""
    attributes = _cloudevent(headers)
    if isinstance(attributes, Refused):
        return attributes
    event = _event_of_type(attributes["ce_type"], topics.VERSION)
    if isinstance(event, Refused):
        return event
    return _read_event(locality, event, key, value, attributes)


def _cloudevent(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str] | Refused:
    attributes = _attributes(headers)
    if isinstance(attributes, Refused):
        return attributes
    if attributes.get("ce_specversion") != "1.0" or "ce_type" not in attributes:
        return Refused("not_cloudevents")
    return attributes


def _event_of_type(name: str, wanted: int) -> topics.EventName | Refused:
    typed = topics.parse_type(name)
    if typed is None:
        return Refused("unknown_type")
    event, version = typed
    if version != wanted:
        return Refused("later_version" if version > wanted else "earlier_version")
    return event


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str] | Refused:
    found: dict[str, str] = {}
    for name, value in headers:
        if not (name.startswith("ce_") or name == "content-type"):
            continue  # somebody else's header, binary or not, is none of our business
        if value is None or name in found:
            return Refused("bad_header")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            return Refused("bad_header")
    return found


def _read_marker(
    named: topics.TopicName, value: bytes | None, attributes: Mapping[str, str]
) -> Marker | Refused:
    identity, time = attributes.get("ce_id", ""), moment(attributes.get("ce_time"))
    if not _UUID.match(identity):
        return Refused("bad_id")
    if attributes.get("ce_source") != control_source(named.locality):
        return Refused("wrong_source")
    if time is None:
        return Refused("bad_time")
    if not value or len(value) > MAX_BODY_BYTES:
        return Refused("too_large" if value else "empty_body")
    try:
        body = PartHandedOver.model_validate_json(value)
    except ValidationError as error:
        problems = _problems(error)
        bad_json = any(kind == "json_invalid" for _, kind in problems)
        return Refused("bad_json") if bad_json else _invalid(problems)
    if body.locality != named.locality:
        return Refused("wrong_locality")
    return Marker(identity, named.event, time, body, value)


def _read_event(
    locality: str,
    event: topics.EventName,
    key: bytes | None,
    value: bytes | None,
    attributes: Mapping[str, str],
) -> Envelope | Refused:
    identity, source = attributes.get("ce_id", ""), attributes.get("ce_source", "")
    if not _UUID.match(identity):
        return Refused("bad_id")
    if topics.locality_of_source(source) != locality:
        return Refused("wrong_source")
    time = moment(attributes.get("ce_time"))
    said = attributes.get("ce_recordedtime", attributes.get("ce_time"))
    recorded = time if said == attributes.get("ce_time") else moment(said)
    if time is None or recorded is None:
        return Refused("bad_time")
    body = read_body(event, value)
    if isinstance(body, Refused):
        return body
    if body.locality != locality:
        return Refused("wrong_locality")
    if attributes.get("ce_subject") != body.referral_id or key != body.referral_id.encode():
        return Refused("wrong_key")
    correlation, traceparent = attributes.get("ce_correlationid"), attributes.get("ce_traceparent")
    actor = attributes.get("ce_actor")
    if any(word is not None and not _OPAQUE.match(word) for word in (correlation, actor)):
        return Refused("bad_header")
    if traceparent is not None and not _TRACEPARENT.match(traceparent):
        traceparent = None  # the W3C says to start a new trace, not to refuse the message
    raw = value or b""
    return Envelope(identity, source, event, time, recorded, body, raw, correlation, traceparent, actor)


def read_body(event: topics.EventName, value: bytes | None) -> Body | Refused:
    """The body of an event from its JSON; an outcome of an unknown kind comes back as `UnknownOutcome`."""
    if not value:
        return Refused("empty_body")
    if len(value) > MAX_BODY_BYTES:
        return Refused("too_large")
    try:
        if event == "referral-created":
            return ReferralCreated.model_validate_json(value)
        if event == "meeting-booked":
            return MeetingBooked.model_validate_json(value)
        return OUTCOME.validate_json(value)
    except ValidationError as error:
        problems = _problems(error)
    kinds = {kind for _, kind in problems}
    if "json_invalid" in kinds:
        return Refused("bad_json")
    if "union_tag_invalid" in kinds:
        return _unknown_outcome(value)
    return _invalid(problems)


def _unknown_outcome(value: bytes) -> UnknownOutcome | Refused:
    try:
        named = EventBody.model_validate_json(value)
    except ValidationError as error:
        return _invalid(_problems(error))
    return UnknownOutcome(named.referral_id, named.locality)


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    """Field and code of each problem. Its message, its input and its place may quote what must not be kept.

    A name in the place that is none of ours is a key of the input.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [(".".join(_named(part) for part in one["loc"]), one["type"]) for one in found]


def _named(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part in _names() else "?"


@cache
def _names() -> frozenset[str]:
    """Every field of a body, and every kind of outcome: what the place of a problem may be called."""
    names = set(KINDS)
    schemas: list[Any] = [model.model_json_schema() for model in (ReferralCreated, MeetingBooked)]
    schemas += [PartHandedOver.model_json_schema(), OUTCOME.json_schema()]
    while schemas:
        schema = schemas.pop()
        if isinstance(schema, dict):
            names |= schema.get("properties", {}).keys()
            schemas += schema.values()
        elif isinstance(schema, list):
            schemas += schema
    return frozenset(names)


def _invalid(problems: Iterable[tuple[str, str]]) -> Refused:
    named = [f"{field} {code}".strip() for field, code in islice(problems, _MOST_PROBLEMS)]
    return Refused("invalid_body", ", ".join(named))


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time as aware UTC, or None: also for one that no event can be of."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None or not FIRST <= parsed < AFTER:
        return None
    return parsed if parsed.tzinfo is UTC else parsed.astimezone(UTC)
