"""The partner-facing AsyncAPI 3 document: one channel an event, with the locality as a parameter.

Written beside the JSON Schemas by `make schemas`; each service serves it at /asyncapi with the localities
that it hears.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contract.events import topics
from shared.contract.events.marker import MARKER_TYPE

_SAYS: Mapping[topics.EventName, str] = {
    "referral-created": "Someone needs help with these things, at this practice, in this locality.",
    "meeting-booked": "This link worker meets them then and there; `sequence` counts rebookings.",
    "outcome-recorded": "One thing that happened afterwards, a union on `kind`.",
}
_TEXT = {"type": "string"}
_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": _TEXT | {"format": "uuid", "description": "UUIDv7. Dedupe by ce_source and ce_id."},
    "ce_source": _TEXT | {"description": "Who says it: /<locality>/<part>."},
    "ce_type": _TEXT,
    "ce_subject": _TEXT | {"format": "uuid", "description": "The referral; also the record's key."},
    "ce_time": _TEXT | {"format": "date-time", "description": "When it happened."},
    "ce_recordedtime": _TEXT | {"format": "date-time", "description": "When it was said."},
    "ce_dataschema": _TEXT | {"format": "uri"},
    "ce_partitionkey": _TEXT,
    "ce_correlationid": _TEXT,
    "ce_traceparent": _TEXT,
    "ce_actor": _TEXT
    | {
        "pattern": "^[0-9A-Za-z-]{1,64}$",
        "description": "The person by whose command it was said, as an opaque word; never a name.",
    },
    "content-type": {"type": "string", "const": "application/json"},
}
_NEEDED = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"]
_MARKER_SAYS = "A part of the locality has another owner, from here on in this partition. Operators write it."
_MARKER_NAME = "PartHandedOver"
_MARKER_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": _TEXT | {"format": "uuid"},
    "ce_source": _TEXT | {"description": "/<locality>/control"},
    "ce_type": _TEXT | {"const": MARKER_TYPE},
    "ce_time": _TEXT | {"format": "date-time"},
    "ce_dataschema": _TEXT | {"format": "uri"},
    "content-type": {"type": "string", "const": "application/json"},
}
_PARTNER = {"description": "The last word of the partner's source, `/<locality>/<partner>`."}
_TOLD: Mapping[str, str] = {
    "RecordRefused": "A record that was refused, or from the 61st in a minute all further ones of a code.",
    "FactNoticed": "A fact that was accepted and has not counted for ten minutes, told once.",
}
_PROMISES = (
    "CloudEvents 1.0 in Kafka binary mode. An id may come again at any later time, after newer ones: "
    "dedupe by source and id, and fold; never let the last record win. Ignore fields that you do not know. "
    "No event holds a name, a contact, an NHS number, a date of birth or free text."
)


def document(
    bodies: Mapping[topics.EventName, Mapping[str, Any]],
    marker: Mapping[str, Any],
    refusal: Mapping[str, Any],
    notice: Mapping[str, Any],
    localities: Sequence[str] = (),
) -> dict[str, Any]:
    """The document for the JSON Schemas of bodies and marker; `localities` are named where they are known."""
    parameter: dict[str, Any] = {"description": "The locality that the referral belongs to."}
    if localities:
        parameter["enum"] = list(localities)
    channels = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for event, body in bodies.items():
        name = _camel(event)
        channels[name] = {
            "address": topics.topic("{locality}", event),
            "description": _SAYS[event],
            "parameters": {"locality": parameter},
            "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in (name, _MARKER_NAME)},
        }
        for action in ("send", "receive"):
            operations[f"{action}{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
            }
        messages[name] = _message(event, name, body)
        operations[f"receive{name}"]["messages"].append(
            {"$ref": f"#/channels/{name}/messages/{_MARKER_NAME}"}
        )
    events = list(messages)
    messages[_MARKER_NAME] = {
        "name": _MARKER_NAME,
        "title": _MARKER_SAYS,
        "contentType": "application/json",
        "headers": {"type": "object", "required": list(_MARKER_HEADERS), "properties": _MARKER_HEADERS},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
        "payload": _payload(marker),
    }
    parameters = {"locality": parameter, "partner": _PARTNER}
    channels["Inbox"] = {
        "address": f"{topics.INBOX}.{{locality}}.{{partner}}",
        "description": "A partner's source puts all its events here. Admission judges and copies them.",
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in events},
    }
    channels["Refusals"] = {
        "address": f"{topics.REFUSALS}.{{locality}}.{{partner}}",
        "description": "What was refused of a partner's inbox or does not count, for this partner alone.",
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _TOLD},
    }
    operations["receiveInbox"] = {
        "action": "receive",
        "channel": {"$ref": "#/channels/Inbox"},
        "messages": [{"$ref": f"#/channels/Inbox/messages/{name}"} for name in events],
    }
    operations["sendRefusals"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/Refusals"},
        "messages": [{"$ref": f"#/channels/Refusals/messages/{name}"} for name in _TOLD],
    }
    messages |= {name: _told(name, body) for name, body in zip(_TOLD, (refusal, notice), strict=True)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Linkwork events", "version": f"{topics.VERSION}.0.0", "description": _PROMISES},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _message(event: topics.EventName, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {**_ATTRIBUTES, "ce_type": {"type": "string", "const": topics.event_type(event)}}
    return {
        "name": name,
        "title": _SAYS[event],
        "contentType": "application/json",
        "headers": {"type": "object", "required": _NEEDED, "properties": attributes},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
        "payload": _payload(body),
    }


def _payload(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": _inlined(schema)}


def _told(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": _TOLD[name],
        "contentType": "application/json",
        "payload": _payload(body),
    }


def _inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with its definitions in place: a `$ref` within a message would point into this document."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(item) for item in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str):
            rest = {k: v for k, v in part.items() if k != "$ref"}
            return inline(definitions[reference.rsplit("/", 1)[-1]]) | inline(rest)
        return {
            k: inline(v) for k, v in part.items() if k not in ("$defs", "discriminator", "$id", "$schema")
        }

    inlined: dict[str, Any] = inline(dict(schema))
    return inlined


def _camel(event: str) -> str:
    return "".join(word.capitalize() for word in event.split("-"))
