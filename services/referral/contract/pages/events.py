"""Pages of events and kinds: who says it, every property, an example, and the files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.referral.contract.catalogue import files
from services.referral.contract.properties import Property, properties_of
from shared.contract.asyncapi.bus import camel
from shared.contract.asyncapi.loading import NOTICE_TYPE, REFUSAL_TYPE, contents
from shared.contract.asyncapi.roles import every_kind
from shared.contract.authority import TABLE, SourceRole
from shared.contract.events import topics
from shared.contract.events.inbox_end import INBOX_END_TYPE
from shared.contract.events.marker import MARKER_TYPE


@dataclass(frozen=True, slots=True)
class Speaker:
    """A role that says a kind, and about which referrals."""

    role: SourceRole
    own_only: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact as its page shows it.

    Attributes:
        event: the first word of the address: an event, or what else its topics hold.
        summary: the first paragraph of the schema's description.
        example: the path of its example.
    """

    event: str
    name: str
    type: str
    summary: str
    properties: tuple[Property, ...]
    speakers: tuple[Speaker, ...]
    schema: str
    example: str

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"/contract/events/{self.event}/{self.name}"

    @property
    def example_text(self) -> str:
        """The example as JSON."""
        return files()[self.example].content.decode()


@cache
def kinds() -> Mapping[tuple[str, str], Kind]:
    """Every kind, by event and name, with the marker, the inbox's end, the refusal and the notice."""
    found = [_kind(event, kind, topics.event_type(event)) for event, kind in every_kind()]
    found.append(_kind("part-handed-over", "part_handed_over", MARKER_TYPE))
    found.append(_kind("inbox-end", "inbox_end", INBOX_END_TYPE))
    found.append(_kind("record-refused", "record_refused", REFUSAL_TYPE))
    found.append(_kind("fact-noticed", "fact_noticed", NOTICE_TYPE))
    return {(each.event, each.name): each for each in found}


def kinds_of(event: str) -> list[Kind]:
    """The kinds of one event."""
    return [each for (name, _), each in kinds().items() if name == event]


def _kind(event: str, kind: str, of_type: str) -> Kind:
    schema: Mapping[str, Any] = contents().bodies[camel(kind)]
    said = [rule for rule in TABLE if rule.event == event and rule.kind == kind]
    speakers = dict.fromkeys(
        (role, rule.referrals == "own") for rule in said for role in sorted(rule.sources)
    )
    return Kind(
        event,
        kind,
        of_type,
        str(schema.get("description", "")).split("\n\n")[0],
        tuple(properties_of(schema)),
        tuple(Speaker(role, own and role == "partner") for role, own in speakers),
        f"schemas/{of_type}.json",
        f"examples/{event}/{kind}.json",
    )
