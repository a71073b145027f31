"""JSON Schemas of bodies: the published one, which says what may be published, and the one of reading.

Both are made from the models. They use no keyword of OpenAPI, no format and no union of types, so that a
validator in its strict mode needs no plug-in for them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from shared.contract.events import vocabulary as v
from shared.contract.events.fields import CODE_FORM, DAY_FORM, MOMENT_FORM, is_open
from shared.contract.events.measures import ITEMS
from shared.contract.events.outcomes import OUTCOME

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# Of a list of codes, in `$comment`.
OPEN_LIST: Final = "Open list: a later version may add codes. Read a code that you do not know as `other`."
CLOSED_LIST: Final = "Closed list: another code needs another version of the type."
OPEN_KINDS: Final = "Open list: a later version may add kinds. Keep an event of a kind that you do not know."
OPEN_REFUSALS: Final = "Open list: a later version may add codes. Show `detail` for one that you do not know."
_FORMS: Final = {"date": DAY_FORM, "date-time": MOMENT_FORM}
# Codes that admission tells partners, and no event has.
_TOLD: Final = frozenset({"RefusalCode", "NotCounted"})
_KIND: Final = "The kind of outcome."


def published(adapter: TypeAdapter[Any]) -> Schema:
    """The schema of what may be published: no other field, kind or code."""
    return _made(adapter, strict=True)


def reading(adapter: TypeAdapter[Any]) -> Schema:
    """The schema of what a reader reads: unknown fields, kinds and codes of open lists, too."""
    return _made(adapter, strict=False)


def _made(adapter: TypeAdapter[Any], *, strict: bool) -> Schema:
    given = adapter.json_schema(mode="validation")
    definitions = {name: _shaped(each, strict) for name, each in given.pop("$defs", {}).items()}
    root = _outcome(definitions, strict) if adapter is OUTCOME else _shaped(given, strict)
    return root | ({"$defs": definitions} if definitions else {})


def _shaped(part: Any, strict: bool) -> Any:
    if isinstance(part, list):
        return [_shaped(each, strict) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: _shaped(each, strict) for name, each in part.items() if name != "properties"}
    if "default" in made and made["default"] is None:
        del made["default"]
    if (form := _FORMS.get(made.pop("format", ""))) is not None:
        made["pattern"] = form
    if "enum" in made:
        return _list(made, strict)
    if "properties" in part:
        return _object(made, part["properties"], strict)
    return made


def _list(codes: Schema, strict: bool) -> Schema:
    """A list of codes, declared as open or closed."""
    title = codes.get("title", "")
    known = getattr(v, title, None)
    comment = OPEN_LIST if known is not None and is_open(known) else CLOSED_LIST
    if title in _TOLD:
        comment = OPEN_REFUSALS
    if strict or comment is CLOSED_LIST:
        return codes | {"$comment": comment}
    kept = {name: each for name, each in codes.items() if name != "enum"}
    return kept | {"pattern": CODE_FORM, "examples": codes["enum"], "$comment": comment}


def _object(made: Schema, fields: Mapping[str, Any], strict: bool) -> Schema:
    """An object with its fields, what they ask of each other, and whether it may have others."""
    properties = {name: _untitled(_shaped(each, strict)) for name, each in fields.items()}
    if "const" in properties.get("kind", {}):
        properties["kind"] = {"type": "string", "const": properties["kind"]["const"], "description": _KIND}
        made["required"] = [*made["required"], "kind"]
    made["properties"] = properties
    if strict:
        made["additionalProperties"] = False
    among = _AMONG_FIELDS.get(made.get("title", ""))
    return made | among(properties, strict) if among else made


def _untitled(field: Schema) -> Schema:
    return {name: each for name, each in field.items() if name != "title"}


def _outcome(definitions: Mapping[str, Any], strict: bool) -> Schema:
    """The union of all kinds. A reader takes any other kind with the fields that every event has."""
    kinds = {
        each["properties"]["kind"]["const"]: name
        for name, each in definitions.items()
        if "kind" in each.get("properties", {})
    }
    common = definitions[next(iter(kinds.values()))]["properties"]
    kind = {"type": "string", "description": _KIND, "$comment": OPEN_KINDS}
    root: Schema = {
        "title": "OutcomeRecorded",
        "description": "One thing that happened after a referral was made, by its `kind`.",
        "type": "object",
        "properties": {
            "referral_id": common["referral_id"],
            "locality": common["locality"],
            "kind": kind | ({"enum": list(kinds)} if strict else {"examples": list(kinds)}),
        },
        "required": ["referral_id", "locality", "kind"],
    }
    if strict:
        return root | {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds.values()]}
    return root | {"allOf": [_if("kind", code, {"$ref": f"#/$defs/{name}"}) for code, name in kinds.items()]}


def _if(field: str, code: str, then: Schema, otherwise: Schema | None = None) -> Schema:
    """`then`, where the field has this code, and `otherwise` where not."""
    condition = {"type": "object", "properties": {field: {"const": code}}, "required": [field]}
    return {"if": condition, "then": then} | ({"else": otherwise} if otherwise else {})


def _needs(field: str, schema: Any) -> Schema:
    return {"type": "object", "properties": {field: schema}, "required": [field]}


def _of_reply(_: Schema, strict: bool) -> Schema:
    reason = _if("reply", "not_suitable", _needs("reason", {"type": "string"}))
    weeks = _if("reply", "waiting_list", _needs("weeks", True))
    return {"allOf": [reason, weeks] if strict else [reason]}


def _of_sharing(_: Schema, strict: bool) -> Schema:
    none = {"type": "object", "properties": {"prescription_id": {"type": "null"}}}
    return _if("agreement", "service", _needs("prescription_id", {"type": "string"}), none)


def _of_measures(properties: Schema, strict: bool) -> Schema:
    """The items of each instrument with their ranges."""
    properties["scores"] = {
        "type": "object",
        "description": properties["scores"]["description"],
        "minProperties": 1,
    }
    return {"allOf": [_if("instrument", each.value, _scores(each)) for each in ITEMS]}


def _scores(instrument: v.Instrument) -> Schema:
    items = {
        name: {
            "type": "integer",
            "minimum": low,
            "maximum": high,
            "description": f"The score of `{name}`, from {low} to {high}.",
        }
        for name, (low, high) in ITEMS[instrument].items()
    }
    scores = {
        "type": "object",
        "description": f"Scores of the items of `{instrument.value}`.",
        "properties": items,
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {"scores": scores}}


_AMONG_FIELDS: Final[Mapping[str, Callable[[Schema, bool], Schema]]] = {
    "ProviderReplied": _of_reply,
    "SharingChanged": _of_sharing,
    "Measured": _of_measures,
}
