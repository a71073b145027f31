"""The documents: who sends what to which topic, and who receives it in which group."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.contract.asyncapi import bus, messages
from shared.contract.asyncapi.bus import camel
from shared.contract.asyncapi.contents import Contents
from shared.contract.asyncapi.roles import SERVICE_OF, Kind, every_kind, merged, own_only
from shared.contract.authority import SourceRole
from shared.contract.events import topics

PARTNER: Final = "partner"
Said = tuple[topics.EventName, Kind]
# The messages of a partner's refusals topic.
_TOLD: Final = (messages.REFUSAL, messages.NOTICE)
_LOCALITY: Final = "[a-z]{2,20}(-[a-z]{2,20})?"
_PROMISES: Final = (
    "CloudEvents 1.0 in Kafka binary mode: attributes in `ce_` headers, the body as JSON, the referral as "
    "key. An event may come again at any later time, after newer ones: dedupe by source and id, and fold; "
    "never let the last record win. Ignore fields that you do not know, and keep kinds that you do not know. "
    "No event holds a name, a contact, an NHS number, a date of birth or free text."
)
_OF_PART: Final[Mapping[topics.SourcePart, str]] = {
    "referral": "Takes referrals in, keeps identity in its vault, and admits what partners say.",
    "booking": "Gives each referral a meeting, or says why there is none yet.",
    "casework": "Follows a case from the first meeting to its end.",
    "directory": "Speaks for community services, which answer by a link.",
    "notifications": "Sends messages. It says nothing on the bus.",
    "evaluation": "Counts. It says nothing on the bus.",
}
_OF_PARTNER: Final = (
    "A partner's system in a locality: it writes its own inbox, follows the locality's topics, and reads "
    "what was refused."
)


def names() -> tuple[str, ...]:
    """The names of all documents: the six parts, and the partner."""
    return (*topics.SOURCE_PARTS, PARTNER)


def document(name: str, contents: Contents, localities: Sequence[str] = ()) -> dict[str, Any]:
    """The document of a part, or of a partner. `localities` are named where they are known."""
    if name == PARTNER:
        return _partner(contents, localities)
    part = next(each for each in topics.SOURCE_PARTS if each == name)
    return _document(part.capitalize(), _OF_PART[part], _of_parts([part]), contents, localities)


def service_document(
    parts: Sequence[topics.SourcePart], contents: Contents, localities: Sequence[str] = ()
) -> dict[str, Any]:
    """The document of one of our services, which runs these parts."""
    service = SERVICE_OF[parts[0]]
    says = " ".join(_OF_PART[part] for part in parts)
    return _document(f"service {service}", says, _of_parts(parts), contents, localities)


class _Operations:
    """Operations of a document, and the channels that they need."""

    def __init__(self) -> None:
        self.operations: dict[str, Any] = {}
        self.channels: set[str] = set()

    def add(
        self,
        action: str,
        channel: str,
        sent: Sequence[str],
        summary: str,
        group: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds an operation: these messages are sent to, or received from, this channel."""
        self.channels.add(channel)
        operation: dict[str, Any] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in sent],
        }
        if group is not None:
            operation["bindings"] = {"kafka": {"groupId": dict(group), "bindingVersion": bus.BINDING}}
        self.operations[f"{action}{channel}"] = operation


def _of_parts(parts: Sequence[topics.SourcePart]) -> _Operations:
    found, service = _Operations(), SERVICE_OF[parts[0]]
    admits = "referral" in parts
    for event in topics.EVENTS:
        said = _kinds(event, merged(parts))
        if admits:  # Admission copies what partners say.
            said = _kinds(event, merged([*parts, PARTNER]))
        if said:
            summary = (
                f"{_which(parts, event)} {'Admission copies what partners say.' if admits else ''}".strip()
            )
            found.add("send", camel(event), said, summary)
    group = {
        "type": "string",
        "pattern": rf"^{_LOCALITY}\.{service}$",
        "description": f"The group of the service that runs this part: `<locality>.{service}`.",
    }
    _receive_events(found, "Reads all that is said, from the beginning, and folds it.", group)
    if admits:
        inbox = {"type": "string", "const": topics.ADMISSION_GROUP}
        found.add(
            "receive", "Inbox", _in_inbox(), "Admission reads every inbox and judges each record.", inbox
        )
        found.add("send", "Refusals", _TOLD, "Tells a partner what was refused, and what does not count.")
    return found


def _partner(contents: Contents, localities: Sequence[str]) -> dict[str, Any]:
    found = _Operations()
    group = {
        "type": "string",
        "pattern": rf"^{_LOCALITY}\.[a-z]{{2,30}}(-[a-z]{{2,30}})?\..+$",
        "description": "Begins with `<locality>.<partner>.`",
    }
    found.add(
        "send", "Inbox", _in_inbox(), f"{_own(PARTNER)} Use transactions, if at all, for a minute at most."
    )
    _receive_events(found, "Follows what all sources say in the locality.", group)
    found.add("receive", "Refusals", _TOLD, "Learns what was refused of its inbox or does not count.", group)
    return _document("partner", _OF_PARTNER, found, contents, localities)


def _receive_events(found: _Operations, summary: str, group: Mapping[str, Any]) -> None:
    for event in topics.EVENTS:
        known = [*_kinds(event, every_kind()), messages.MARKER]
        found.add("receive", camel(event), known, summary, group)


def _kinds(event: topics.EventName, said: Sequence[Said]) -> list[str]:
    return [camel(kind) for each, kind in said if each == event]


def _in_inbox() -> list[str]:
    """The messages of an inbox: all that a partner says, and its end if the partner owns a part."""
    return [*_all(PARTNER), messages.INBOX_END]


def _all(role: SourceRole) -> list[str]:
    said = merged([role])
    return [name for event in topics.EVENTS for name in _kinds(event, said)]


def _which(parts: Sequence[topics.SourcePart], event: topics.EventName) -> str:
    sources = ", ".join(f"`/<locality>/{part}`" for part in parts if _kinds(event, merged([part])))
    return f"Says these kinds as {sources}."


def _own(role: SourceRole) -> str:
    own = [camel(kind) for _, kind in merged([role]) if own_only(role, kind)]
    return f"{', '.join(own)}: about referrals alone that this source created."


def _document(
    title: str, says: str, found: _Operations, contents: Contents, localities: Sequence[str]
) -> dict[str, Any]:
    channels = {name: each for name, each in _channels(localities) if name in found.channels}
    used = dict.fromkeys(name for channel in channels.values() for name in channel["messages"])
    known = dict(_messages(contents))
    headers = {f"{camel(event)}Headers": messages.headers_of(event) for event in topics.EVENTS}
    headers[f"{messages.MARKER}Headers"] = messages.headers_of_markers()
    if messages.INBOX_END in used:
        headers[f"{messages.INBOX_END}Headers"] = messages.headers_of_inbox_ends()
    bodies = {name: contents.bodies[name] for name in used}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Linkwork {title}",
            "version": f"{topics.VERSION}.0.0",
            "description": f"{says}\n\n{_PROMISES}",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": bus.SERVERS,
        "channels": channels,
        "operations": found.operations,
        "components": {
            "messages": {name: known[name] for name in used},
            "schemas": headers | messages.schemas_of(bodies),
            "securitySchemes": bus.SECURITY_SCHEMES,
        },
    }


def _channels(localities: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for event in topics.EVENTS:
        known = [*_kinds(event, every_kind()), messages.MARKER]
        yield camel(event), bus.event_channel(event, known, localities)
    yield "Inbox", bus.inbox_channel(_in_inbox(), localities)
    yield "Refusals", bus.refusals_channel(_TOLD, localities)


def _messages(contents: Contents) -> Iterator[tuple[str, Any]]:
    for event, kind in every_kind():
        name = camel(kind)
        says = str(contents.bodies[name].get("description", kind)).split("\n")[0]
        yield name, messages.message_of(event, kind, says, contents.examples[kind])
    yield messages.MARKER, messages.marker_message(contents.examples["part_handed_over"])
    yield messages.INBOX_END, messages.inbox_end_message(contents.examples["inbox_end"])
    yield messages.REFUSAL, messages.refusal_message(contents.examples["record_refused"])
    yield messages.NOTICE, messages.notice_message(contents.examples["fact_noticed"])
