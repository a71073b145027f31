"""JSON Schemas of the headers of an event: CloudEvents 1.0 in Kafka binary mode, as names and texts."""

from collections.abc import Mapping
from typing import Any, Final

from shared.contract.events import topics
from shared.contract.events.fields import JSON_FORM, MOMENT_FORM, OPAQUE_FORM, SOURCE_FORM, UUID_FORM
from shared.contract.events.json_schema import DIALECT
from shared.contract.events.marker import MARKER_TYPE

NAME: Final = "headers.json"
# The epoch in which the owner of a part decided what its record says.
EPOCH_HEADER: Final = "ce_partepoch"
EPOCH_FORM: Final = "^[1-9][0-9]{0,6}$"
_TEXT: Final = {"type": "string"}
_REFERENCE: Final = _TEXT | {"pattern": f"^{UUID_FORM}$"}
_MOMENT: Final = _TEXT | {"pattern": MOMENT_FORM}
_OPAQUE: Final = _TEXT | {"pattern": OPAQUE_FORM}
_TYPES: Final = [topics.event_type(event) for event in topics.EVENTS]
_WHEN: Final = "RFC 3339 in capitals with a time zone, in the years 1900 to 2199."
HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ce_specversion": _TEXT | {"const": "1.0", "description": "The version of CloudEvents."},
    "ce_id": _REFERENCE
    | {
        "description": "The event. Its source issues the id, a UUID in lower case, best of version 7. The "
        "same source and id is the same event, whenever it comes again."
    },
    "ce_source": _TEXT
    | {"pattern": SOURCE_FORM, "description": "The one who says it: `/<locality>/<part or partner>`."},
    "ce_type": _TEXT | {"enum": _TYPES, "description": "The type of event, with its version."},
    "ce_subject": _REFERENCE | {"description": "The referral, the same as the record's key."},
    "ce_time": _MOMENT | {"description": f"The moment when it happened. {_WHEN}"},
    "ce_recordedtime": _MOMENT
    | {"description": f"The moment when it was said. Left out, it is `ce_time`. {_WHEN}"},
    "ce_dataschema": _TEXT
    | {"description": "The address of the body's schema. No reader judges an event by it: it may change."},
    "ce_partitionkey": _TEXT | {"description": "The record's key. Readers take the key itself."},
    "ce_correlationid": _OPAQUE
    | {"description": "An opaque word that joins what follows from one cause. The first source issues it."},
    "ce_traceparent": _TEXT
    | {"description": "The trace, by W3C Trace Context. Another form starts a new trace."},
    "ce_actor": _OPAQUE
    | {"description": "The person by whose command it was said, as an opaque word; never a name."},
    "content-type": _TEXT
    | {"pattern": JSON_FORM, "description": "The form of the body. Left out, it is JSON, too."},
}
# Admission reads it and does not copy it: on the topics, markers tell the epoch.
_OF_AN_INBOX: Final[Mapping[str, Mapping[str, Any]]] = {
    EPOCH_HEADER: _TEXT
    | {
        "pattern": EPOCH_FORM,
        "description": "In an inbox: the epoch in which the source owns its part and decided this. Required "
        "once the inbox has ended in an earlier epoch.",
    },
}
_REQUIRED: Final = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"]


def published() -> dict[str, Any]:
    """The schema of an event's headers as they may be published."""
    described = "The headers of an event. Others than these are not copied from an inbox."
    return _schema(topics.SCHEMAS, described, {**HEADERS, **_OF_AN_INBOX}, [*_REQUIRED, "ce_subject"])


def reading() -> dict[str, Any]:
    """The schema of the headers that a reader reads, those of markers among them."""
    described = "The headers of an event or of a marker. A reader ignores others than these."
    changed = {
        "ce_type": {**HEADERS["ce_type"], "enum": [*_TYPES, MARKER_TYPE]},
        "content-type": {name: each for name, each in HEADERS["content-type"].items() if name != "pattern"},
    }
    marker = {"properties": {"ce_type": {"const": MARKER_TYPE}}}
    subject = {"properties": {"ce_subject": True}, "required": ["ce_subject"]}
    return _schema(f"{topics.SCHEMAS}reading/", described, {**HEADERS, **changed}, _REQUIRED) | {
        "if": {"type": "object", **marker},
        "else": {"type": "object", **subject},
    }


def _schema(
    folder: str, described: str, properties: Mapping[str, Any], required: list[str]
) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": f"{folder}{NAME}",
        "title": "EventHeaders",
        "description": described,
        "type": "object",
        "properties": dict(properties),
        "required": required,
    }
