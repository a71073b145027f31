"""Messages: one for each kind, with headers, payload, key and an example. Every schema has a name."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.contract.asyncapi.bus import BINDING, camel
from shared.contract.events import topics
from shared.contract.events.fields import UUID_FORM
from shared.contract.events.headers import HEADERS
from shared.contract.events.inbox_end import INBOX_END_TYPE
from shared.contract.events.marker import MARKER_TYPE

_UUID: Final = f"^{UUID_FORM}$"
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
# The receipt of a partner's record, which admission adds to its copy.
_RECEIPT: Final[Mapping[str, Mapping[str, Any]]] = {
    "linkwork-inbox": {
        **_TEXT,
        "description": "On a copy: the inbox from which admission copied the record.",
    },
    "linkwork-inbox-partition": {**_TEXT, "pattern": "^[0-9]+$"},
    "linkwork-inbox-offset": {**_TEXT, "pattern": "^[0-9]+$"},
    "linkwork-table-version": {**_TEXT, "description": "The version of the table by which it was judged."},
}
_NEEDED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")
_OF_MARKERS: Final = (
    "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_dataschema", "content-type",
)  # fmt: skip
MARKER: Final = "PartHandedOver"
INBOX_END: Final = "InboxEnd"
REFUSAL: Final = "RecordRefused"
NOTICE: Final = "FactNoticed"


def headers_of(event: topics.EventName) -> dict[str, Any]:
    """The schema of the headers of an event's records."""
    constant = {"type": "string", "const": topics.event_type(event)}
    return {
        "title": f"{camel(event)}Headers",
        "type": "object",
        "required": list(_NEEDED),
        "properties": {**HEADERS, "ce_type": constant, **_RECEIPT},
    }


def headers_of_markers() -> dict[str, Any]:
    """The schema of the headers of markers."""
    return _headers(MARKER, MARKER_TYPE, "/<locality>/control")


def headers_of_inbox_ends() -> dict[str, Any]:
    """The schema of the headers of an inbox's end."""
    return _headers(INBOX_END, INBOX_END_TYPE, "The source that stops, or /<locality>/control.")


def _headers(title: str, of_type: str, source: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {name: HEADERS[name] for name in _OF_MARKERS}
    said = {"type": "string", "description": source}
    constant = {"type": "string", "const": of_type}
    return {
        "title": f"{title}Headers",
        "type": "object",
        "required": list(_OF_MARKERS),
        "properties": attributes | {"ce_source": said, "ce_type": constant},
    }


def message_of(event: topics.EventName, kind: str, says: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """The message of one kind. Its payload and headers are named schemas of the document."""
    name = camel(kind)
    return {
        "name": name,
        "title": f"{topics.event_type(event)} {kind}"
        if event == "outcome-recorded"
        else topics.event_type(event),
        "summary": says,
        "contentType": "application/json",
        "headers": _schema(f"{camel(event)}Headers"),
        "payload": _schema(name),
        "bindings": {"kafka": {"key": {"type": "string", "pattern": _UUID}, "bindingVersion": BINDING}},
        "examples": [_record(kind, example)],
    }


def marker_message(example: Mapping[str, Any]) -> dict[str, Any]:
    """The message of the marker, which operators alone write."""
    says = "A part has another owner, from here on in this partition. Operators write it."
    return _of_hand_over(MARKER, MARKER_TYPE, says, "part_handed_over", example)


def inbox_end_message(example: Mapping[str, Any]) -> dict[str, Any]:
    """The message of an inbox's end, which the owner of a part writes that is handed over."""
    says = "The source has said its last fact of this epoch. Admission copies nothing of it behind this."
    return _of_hand_over(INBOX_END, INBOX_END_TYPE, says, "inbox_end", example)


def _of_hand_over(
    name: str, of_type: str, says: str, kind: str, example: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "title": of_type,
        "summary": says,
        "contentType": "application/json",
        "headers": _schema(f"{name}Headers"),
        "payload": _schema(name),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "enum": list(topics.SOURCE_PARTS)},
                "bindingVersion": BINDING,
            }
        },
        "examples": [_record(kind, example)],
    }


def refusal_message(example: Mapping[str, Any]) -> dict[str, Any]:
    """The message by which a partner learns that a record was refused."""
    return {
        "name": REFUSAL,
        "title": "org.linkwork.record-refused.v1",
        "summary": "A refused record, or from the 61st in a minute all further ones of a code.",
        "contentType": "application/json",
        "payload": _schema(REFUSAL),
        "examples": [{"name": "record_refused", "payload": example}],
    }


def notice_message(example: Mapping[str, Any]) -> dict[str, Any]:
    """The message by which a partner learns that a fact does not count. Its key is the fact's id."""
    return {
        "name": NOTICE,
        "title": "org.linkwork.fact-noticed.v1",
        "summary": "An accepted fact that has not counted for ten minutes, told once.",
        "contentType": "application/json",
        "payload": _schema(NOTICE),
        "bindings": {"kafka": {"key": {"type": "string", "pattern": _UUID}, "bindingVersion": BINDING}},
        "examples": [{"name": "fact_noticed", "payload": example}],
    }


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _record(name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of the CloudEvents JSON format as a record of binary mode."""
    attributes = {
        f"ce_{key}": value for key, value in event.items() if key not in ("data", "datacontenttype")
    }
    return {
        "name": name,
        "headers": attributes | {"content-type": "application/json"},
        "payload": event["data"],
    }


def schemas_of(bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Named schemas for a document: each body by its name, and every definition that one refers to."""
    found: dict[str, Any] = {}
    for name, body in bodies.items():
        definitions: Mapping[str, Any] = body.get("$defs", {})
        found[name] = {"title": name, **_local(body)}
        wanted = list(_referred(body))
        while wanted:
            definition = wanted.pop()
            if definition not in found:
                found[definition] = {"title": definition, **_local(definitions[definition])}
                wanted += _referred(definitions[definition])
    return found


_LEFT_OUT: Final = frozenset({"$defs", "$id", "$schema", "discriminator"})


def _local(schema: Any) -> Any:
    """The schema with its references leading to the schemas of the document."""
    if isinstance(schema, list):
        return [_local(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: _schema(each.rsplit("/", 1)[-1])["$ref"] if name == "$ref" else _local(each)
        for name, each in schema.items()
        if name not in _LEFT_OUT
    }


def _referred(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _referred(each)
    elif isinstance(schema, Mapping):
        for name, each in schema.items():
            if name == "$ref":
                yield each.rsplit("/", 1)[-1]
            elif name not in _LEFT_OUT:
                yield from _referred(each)
