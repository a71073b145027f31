"""Names on the bus: topics, groups, sources and types. Built and taken apart here and nowhere else."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

EventName = Literal["referral-created", "meeting-booked", "outcome-recorded"]
# A service, by which groups and dead letters are named.
Part = Literal["referral", "matching", "notifications", "evaluation"]
# A part that a partner can own. Events name it in their source.
SourcePart = Literal["referral", "booking", "casework", "directory", "notifications", "evaluation"]

EVENTS: Final[tuple[EventName, ...]] = get_args(EventName)
PARTS: Final[tuple[Part, ...]] = get_args(Part)
SOURCE_PARTS: Final[tuple[SourcePart, ...]] = get_args(SourcePart)
VERSION: Final = 1
# The versions of the programme's table: one partition, kept for ever, written by the operator alone.
CONTROL_TOPIC: Final = "linkwork.control.v1"

TYPE_PREFIX: Final = "org.linkwork."
# The addresses of the schemas of what may be published; those of reading have `reading/` before the name.
SCHEMAS: Final = "https://linkwork.example.org/contract/schemas/"
# First words of private topics. Partners may read whatever begins with a slug, so no locality has these.
INBOX: Final = "in"
REFUSALS: Final = "refused"
RESERVED_SLUGS: Final = frozenset({INBOX, REFUSALS, "linkwork"})
# Topics keep facts for ever and partners' inboxes for a month, but those of a sandbox for a week.
INBOX_DAYS: Final = 30
SANDBOX_DAYS: Final = 7
_DAY_MS: Final = 24 * 60 * 60 * 1000

# The consumer group in which admission reads every inbox.
ADMISSION_GROUP: Final = "linkwork.admission"

_LOCALITY = r"[a-z]{2,20}(?:-[a-z]{2,20})?"
# Anchored: `meir.referral-created.v1` must not match `meir.referral-created.v1.something`.
_TOPIC = re.compile(rf"\A({_LOCALITY})\.({'|'.join(EVENTS)})\.v([0-9]{{1,3}})\Z")
_TYPE = re.compile(rf"\A{re.escape(TYPE_PREFIX)}({'|'.join(EVENTS)})\.v([0-9]{{1,3}})\Z")
# The last word of a source of ours -> the parts in whose name it speaks. `/meir/matching` said what booking,
# casework and directory say, before each had a source of its own, and its events stay on the log.
OUR_SOURCES: Final[Mapping[str, frozenset[SourcePart]]] = {
    **{part: frozenset({part}) for part in SOURCE_PARTS},
    "matching": frozenset({"booking", "casework", "directory"}),
}
_NAME = r"[a-z]{2,30}(?:-[a-z]{2,30})?"
_SOURCE = re.compile(rf"\A/({_LOCALITY})/({_NAME})\Z")
_INBOX = re.compile(rf"\A{INBOX}\.({_LOCALITY})\.({_NAME})\Z")


class TopicName(NamedTuple):
    """The parts of an event topic's name."""

    locality: str
    event: EventName
    version: int


def topic(locality: str, event: EventName, version: int = VERSION) -> str:
    """The topic of one event in one locality, such as `meir.referral-created.v1`."""
    return f"{locality}.{event}.v{version}"


def event_topics(locality: str) -> list[str]:
    """The topics of all three events in a locality."""
    return [topic(locality, event) for event in EVENTS]


@lru_cache(maxsize=512)
def parse_topic(name: str) -> TopicName | None:
    """The parts of an event topic's name, or None if it is not one."""
    found = _TOPIC.match(name)
    if found is None:
        return None
    event: EventName = next(e for e in EVENTS if e == found[2])
    return TopicName(found[1], event, int(found[3]))


def dead_letter_topic(part: Part) -> str:
    """The topic of records that a service could not handle. Partners cannot read it."""
    return f"linkwork.dead-letter.{part}.v1"


def inbox_topic(source: str) -> str:
    """The topic that a partner's source writes, such as `in.meir.vast-hub`; admission alone reads it."""
    return _of_partner(INBOX, source)


def refusals_topic(source: str) -> str:
    """The topic on which a partner's source learns what was refused, such as `refused.meir.vast-hub`."""
    return _of_partner(REFUSALS, source)


def partner_topics(source: str) -> list[str]:
    """The topics of a partner's source: its inbox and its refusals."""
    return [inbox_topic(source), refusals_topic(source)]


def retention_ms(*, sandbox: bool) -> int:
    """The `retention.ms` of a locality's event topics: -1 for ever."""
    return SANDBOX_DAYS * _DAY_MS if sandbox else -1


def partner_retention_ms(*, sandbox: bool) -> int:
    """The `retention.ms` of a partner's inbox and refusals."""
    return (SANDBOX_DAYS if sandbox else INBOX_DAYS) * _DAY_MS


def _of_partner(word: str, source: str) -> str:
    named = _SOURCE.match(source)
    if named is None:
        raise ValueError("this is no source")
    return f"{word}.{named[1]}.{named[2]}"


@lru_cache(maxsize=512)
def source_of_inbox(name: str) -> str | None:
    """The source that an inbox belongs to, or None if the topic is no inbox."""
    found = _INBOX.match(name)
    return partner_source(found[1], found[2]) if found else None


def partner_source(locality: str, partner: str) -> str:
    """The source of a partner in a locality, such as `/meir/vast-hub`."""
    return f"/{locality}/{partner}"


def group(locality: str, part: Part) -> str:
    """The consumer group in which a part hears a locality, such as `meir.matching`."""
    return f"{locality}.{part}"


def source(locality: str, part: SourcePart) -> str:
    """The CloudEvents attribute `source` of our part in a locality, such as `/meir/booking`."""
    return f"/{locality}/{part}"


@lru_cache(maxsize=512)
def our_parts(name: str) -> frozenset[SourcePart]:
    """The parts in whose name a source of ours speaks; none if the source is a partner's."""
    return OUR_SOURCES.get(name.rpartition("/")[2], frozenset())


def locality_of_source(name: str) -> str | None:
    """The locality in whose name a source speaks, or None where it is not a source."""
    found = _SOURCE.match(name)
    return found[1] if found else None


@lru_cache(maxsize=512)
def event_type(event: EventName, version: int = VERSION) -> str:
    """The CloudEvents type, such as `org.linkwork.referral-created.v1`."""
    return f"{TYPE_PREFIX}{event}.v{version}"


def parse_type(name: str) -> tuple[EventName, int] | None:
    """Event and version of a CloudEvents type, or None where it is none of ours."""
    found = _TYPE.match(name)
    if found is None:
        return None
    return next(e for e in EVENTS if e == found[1]), int(found[2])


@lru_cache(maxsize=512)
def data_schema(event: EventName, version: int = VERSION) -> str:
    """The address of the event's JSON Schema. Readers do not judge an event by it: logs hold older ones."""
    return f"{SCHEMAS}{event_type(event, version)}.json"
