"""CloudEvents 1.0, Kafka binary mode: attributes in `ce_*` headers, the body as JSON.

Reading is done record by record and never raises: what cannot be read comes back as `Refused` with a code.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from shared.contract.events import topics
from shared.contract.events.bodies import (
    STRICT_SINCE,
    Body,
    Refused,
    UnknownOutcome,
    read_body,
    read_inbox_end,
    read_marker,
)
from shared.contract.events.fields import AFTER, FIRST, JSON_FORM, MOMENT_FORM, OPAQUE_FORM, UUID_FORM
from shared.contract.events.inbox_end import INBOX_END_TYPE, EndOfInbox
from shared.contract.events.marker import MARKER_TYPE, Marker, control_source
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated

_UUID = re.compile(UUID_FORM)
# An opaque word, such as a correlation id or an actor.
_OPAQUE = re.compile(OPAQUE_FORM)
_MOMENT = re.compile(
    MOMENT_FORM.replace("(", "(?:")
)  # To capture takes time, and this is asked of each record.
# The usual form of a moment, which takes a third of the time. `fromisoformat` refuses what is no day.
_USUAL_MOMENT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_JSON = re.compile(JSON_FORM)
_TRACEPARENT = re.compile(r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")


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
) -> Envelope | EndOfInbox | Refused:
    """Takes a record of an inbox apart: any event of the locality, or the inbox's end. Never raises.

    It is held to the schema of what may be published, whereas `read` takes fields, kinds and codes that this
    version does not know.
    """
    attributes = _cloudevent(headers)
    if isinstance(attributes, Refused):
        return attributes
    if attributes["ce_type"] == INBOX_END_TYPE:
        return _read_inbox_end(locality, value, attributes)
    event = _event_of_type(attributes["ce_type"], topics.VERSION)
    if isinstance(event, Refused):
        return event
    if not _JSON.fullmatch(attributes.get("content-type", "application/json")):
        return Refused("bad_header")
    return _read_event(locality, event, key, value, attributes, admits=True)


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
        if name[:3] != "ce_" and name != "content-type":
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
    if not _UUID.fullmatch(identity):
        return Refused("bad_id")
    if attributes.get("ce_source") != control_source(named.locality):
        return Refused("wrong_source")
    if time is None:
        return Refused("bad_time")
    body = read_marker(value)
    if isinstance(body, Refused):
        return body
    if body.locality != named.locality:
        return Refused("wrong_locality")
    return Marker(identity, named.event, time, body, value or b"")


def _read_inbox_end(
    locality: str, value: bytes | None, attributes: Mapping[str, str]
) -> EndOfInbox | Refused:
    identity, source = attributes.get("ce_id", ""), attributes.get("ce_source", "")
    time = moment(attributes.get("ce_time"))
    if not _UUID.fullmatch(identity):
        return Refused("bad_id")
    if locality != topics.locality_of_source(source):
        return Refused("wrong_source")
    if time is None:
        return Refused("bad_time")
    body = read_inbox_end(value)
    if isinstance(body, Refused):
        return body
    if locality != body.locality:
        return Refused("wrong_locality")
    return EndOfInbox(identity, source, time, body, value or b"")


def _read_event(
    locality: str,
    event: topics.EventName,
    key: bytes | None,
    value: bytes | None,
    attributes: Mapping[str, str],
    *,
    admits: bool = False,
) -> Envelope | Refused:
    identity, source = attributes.get("ce_id", ""), attributes.get("ce_source", "")
    if not _UUID.fullmatch(identity):
        return Refused("bad_id")
    if topics.locality_of_source(source) != locality:
        return Refused("wrong_source")
    times = _times(attributes, admits=admits)
    if times is None:
        return Refused("bad_time")
    time, recorded = times
    body = read_body(event, value, recorded, admits=admits)
    if isinstance(body, Refused):
        return body
    if body.locality != locality:
        return Refused("wrong_locality")
    if attributes.get("ce_subject") != body.referral_id or key != body.referral_id.encode():
        return Refused("wrong_key")
    correlation, traceparent = attributes.get("ce_correlationid"), attributes.get("ce_traceparent")
    actor = attributes.get("ce_actor")
    if any(word is not None and not _OPAQUE.fullmatch(word) for word in (correlation, actor)):
        return Refused("bad_header")
    if traceparent is not None and not _TRACEPARENT.match(traceparent):
        traceparent = None  # the W3C says to start a new trace, not to refuse the message
    raw = value or b""
    return Envelope(identity, source, event, time, recorded, body, raw, correlation, traceparent, actor)


def _times(attributes: Mapping[str, str], *, admits: bool) -> tuple[datetime, datetime] | None:
    """When it happened and when it was said, or None if that is not known."""
    happened = attributes.get("ce_time")
    said = attributes.get("ce_recordedtime", happened)
    time = moment(happened)
    recorded = time if said == happened else moment(said)
    if time is None or recorded is None:
        time, recorded = _any_moment(happened), _any_moment(said)
        if time is None or recorded is None or admits or recorded >= STRICT_SINCE:
            return None
    return time, recorded


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time in its published form as aware UTC, or None: also for one that no event can be of."""
    if text is None or not (_USUAL_MOMENT.fullmatch(text) or _MOMENT.fullmatch(text)):
        return None
    return _any_moment(text)


def _any_moment(text: str | None) -> datetime | None:
    """The same in any form of ISO 8601 that was read before `STRICT_SINCE`."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None or not FIRST <= parsed < AFTER:
        return None
    return parsed if parsed.tzinfo is UTC else parsed.astimezone(UTC)


__all__ = [
    "Body",
    "Envelope",
    "Refused",
    "UnknownOutcome",
    "event_of",
    "moment",
    "read",
    "read_any",
    "read_body",
    "stamp",
]
