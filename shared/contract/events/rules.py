"""Rules that no JSON Schema can express, each with a number, the code of its refusal and an example.

A record that the schemas of headers and body allow is refused by one of these rules, or not at all. Admission
applies all but R10, and readers of the locality's topics those whose number begins with R.
`docs/contract/rules.md` is made from this table.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.contract.events.topics import SCHEMAS, event_type

_REFERRAL: Final = "01938f1c-0d3b-7b1f-8a10-6a5b1d2c3e4f"
SOURCE: Final = "/meir/vast-hub"
TOPIC: Final = "meir.meeting-booked.v1"
HEADERS: Final[Mapping[str, str]] = {
    "ce_specversion": "1.0",
    "ce_id": "01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11",
    "ce_source": SOURCE,
    "ce_type": event_type("meeting-booked"),
    "ce_subject": _REFERRAL,
    "ce_time": "2026-12-01T10:00:00Z",
    "ce_dataschema": f"{SCHEMAS}{event_type('meeting-booked')}.json",
    "content-type": "application/json",
}
BODY: Final[Mapping[str, Any]] = {
    "referral_id": _REFERRAL,
    "locality": "meir",
    "meeting_id": "01938f1c-1111-7d5a-9a52-3a1f0e7b9c11",
    "sequence": 0,
    "link_worker": "lw-meir-1",
    "practice": "M83100",
    "starts_at": "2026-12-02T09:30:00Z",
    "minutes": 45,
}
_OTHER: Final = "01938f1c-2222-7d5a-9a52-3a1f0e7b9c11"


@dataclass(frozen=True)
class Example:
    """The record above with these changes.

    Attributes:
        shown: the change, as the page shows it.
        headers: headers that differ.
        body: fields that differ.
        instead: the fields in place of those of the record above.
        key: the record's key.
        around: text before and after the JSON of the body.
        twice: a header that comes a second time.
        inbox: the source whose inbox holds the record.
        topic: the topic that holds it, where only its readers can refuse it.
        role: as what the programme's table names the source, if it does.
        practices: of the locality.
    """

    shown: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    instead: Mapping[str, Any] = field(default_factory=lambda: BODY)
    key: str = _REFERRAL
    around: tuple[str, str] = ("", "")
    twice: str | None = None
    inbox: str = SOURCE
    topic: str = TOPIC
    role: str | None = "partner"
    practices: tuple[str, ...] = ("M83100",)

    @property
    def value(self) -> bytes:
        """The JSON of the body."""
        before, after = self.around
        return f"{before}{json.dumps({**self.instead, **self.body})}{after}".encode()

    def pairs(self) -> list[tuple[str, bytes]]:
        """The headers of the record."""
        pairs = [(name, value.encode()) for name, value in {**HEADERS, **self.headers}.items()]
        return pairs + [pair for pair in pairs if pair[0] == self.twice]


@dataclass(frozen=True)
class Rule:
    """One rule. `code` is that of the refusal."""

    number: str
    says: str
    code: str
    example: Example


_OUTCOME: Final = {"ce_type": event_type("outcome-recorded")}
_RETRACTED: Final = {
    "referral_id": _REFERRAL,
    "locality": "meir",
    "kind": "retracted",
    "event_source": "/meir/history",
    "event_id": _OTHER,
    "reason": "entered_in_error",
}
RULES: Final = (
    Rule(
        "R1",
        "A body has from 1 to 65,536 bytes. Without any it is `empty_body`.",
        "too_large",
        Example("70,000 spaces after the body", around=("", " " * 70_000)),
    ),
    Rule(
        "R2",
        "A body is one JSON text of RFC 8259 in UTF-8, without a byte order mark and without half a "
        "character (`\\ud800`), at most 200 levels deep.",
        "bad_json",
        Example("a byte order mark before the body", around=("\ufeff", "")),
    ),
    Rule(
        "R3",
        "A header whose name begins with `ce_`, and `content-type`, comes once and is UTF-8 text.",
        "bad_header",
        Example("`ce_id` twice", twice="ce_id"),
    ),
    Rule(
        "R4",
        "The source is the one that the inbox belongs to. In a topic, it is one of the topic's locality.",
        "wrong_source",
        Example("`ce_source`: `/longton/vast-hub`", {"ce_source": "/longton/vast-hub"}),
    ),
    Rule(
        "R5",
        "The body's locality is that of the source.",
        "wrong_locality",
        Example('`"locality": "longton"`', body={"locality": "longton"}),
    ),
    Rule(
        "R6",
        "The record's key and `ce_subject` are the body's `referral_id`.",
        "wrong_key",
        Example(f"key `{_OTHER}`", key=_OTHER),
    ),
    Rule(
        "R7",
        "A whole number is written without a point and without an exponent.",
        "invalid_body",
        Example('`"minutes": 45.0`', body={"minutes": 45.0}),
    ),
    Rule(
        "R8",
        "A moment of the body lies in the years 1900 to 2199 in UTC, too.",
        "invalid_body",
        Example(
            '`"starts_at": "2199-12-31T23:30:00-01:00"`', body={"starts_at": "2199-12-31T23:30:00-01:00"}
        ),
    ),
    Rule(
        "R9",
        "`ce_time` and `ce_recordedtime` lie in the years 1900 to 2199 in UTC, too.",
        "bad_time",
        Example("`ce_time`: `1900-01-01T00:30:00+01:00`", {"ce_time": "1900-01-01T00:30:00+01:00"}),
    ),
    Rule(
        "R10",
        "A topic holds its own event alone. (An inbox takes all three.)",
        "wrong_topic",
        Example("in `meir.referral-created.v1`", topic="meir.referral-created.v1"),
    ),
    Rule(
        "T1",
        "The programme's table names the source.",
        "unknown_source",
        Example("a source that no locality names", role=None),
    ),
    Rule(
        "T2",
        "`authority.json` names who says this kind of fact, and the source is one of them.",
        "not_yours_to_say",
        Example("the source of the part referral books a meeting", role="referral"),
    ),
    Rule(
        "T3",
        "A partner retracts facts of its own source only.",
        "not_your_fact",
        Example('`retracted` with `"event_source": "/meir/history"`', _OUTCOME, instead=_RETRACTED),
    ),
    Rule(
        "T4",
        "The practice is one of the locality's.",
        "unknown_practice",
        Example('`"practice": "M83126"`', body={"practice": "M83126"}),
    ),
)
