"""The properties of a schema as the rows of a page: name, what may stand there, and what it means. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
_FORMATS: Final = {"date": "day, such as 2026-12-02", "date-time": "moment, RFC 3339", "uuid": "UUID"}
# The beginnings of patterns that a sentence says better.
_UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}"
_YEARS: Final = "(19|20|21)[0-9]{2}-"
# The comment of a list to which codes may be added within a version begins with it.
_OPEN: Final = "Open list"


@dataclass(frozen=True, slots=True)
class Property:
    """One property, with the path of names that leads to it.

    Attributes:
        holds: the values that may stand there, in words.
        codes: the codes of a list.
        is_open: True if codes may be added to the list without a new version.
    """

    name: str
    holds: str
    required: bool
    description: str
    codes: tuple[str, ...] = ()
    is_open: bool = False


def properties_of(schema: Schema, definitions: Mapping[str, Schema] | None = None) -> list[Property]:
    """All properties of an object, those of nested objects after their own, in the order of the schema."""
    known = definitions if definitions is not None else schema.get("$defs", {})
    return list(_properties(schema, known, ""))


def _properties(schema: Schema, known: Mapping[str, Schema], before: str) -> Iterator[Property]:
    required = set(schema.get("required", ()))
    for name, given in schema.get("properties", {}).items():
        one = _resolved(given, known)
        inner = _resolved(one.get("items", {}), known)
        path = f"{before}{name}" + ("[]" if one.get("type") == "array" else "")
        codes = _codes(one) or _codes(inner)
        yield Property(
            path,
            _in_words(one, inner),
            name in required,
            str(one.get("description", "")),
            codes,
            any(str(each.get("$comment", "")).startswith(_OPEN) for each in (one, inner)),
        )
        for each in (one, inner):
            if "properties" in each:
                yield from _properties(each, known, f"{path}.")


def _resolved(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """The schema with its reference followed, and the alternative `null` left out."""
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_resolved(known[schema["$ref"].rsplit("/", 1)[-1]], known), **rest}
    for several in ("anyOf", "oneOf", "allOf"):
        others = [each for each in schema.get(several, ()) if each.get("type") != "null"]
        if len(others) == 1:
            rest = {name: value for name, value in schema.items() if name != several}
            return {**_resolved(others[0], known), **rest}
    return schema


def _codes(schema: Schema) -> tuple[str, ...]:
    if "const" in schema:
        return (str(schema["const"]),)
    return tuple(str(each) for each in schema.get("enum", ()) if each is not None)


def _in_words(one: Schema, inner: Schema) -> str:
    if one.get("type") == "array":
        many = _between(one.get("minItems"), one.get("maxItems"))
        return f"list of {_several(inner)}{f', {many} of them' if many else ''}"
    return _single(one)


def _several(schema: Schema) -> str:
    word, _, rest = _single(schema).partition(" ")
    return f"{word}s {rest}".strip()


def _single(schema: Schema) -> str:
    codes = _codes(schema)
    if "const" in schema:
        return "this code"
    if codes:
        return "code"
    kinds = schema.get("type", "object" if "properties" in schema else "value")
    named: Sequence[str] = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    word = " or ".join(_TYPES.get(kind, kind) for kind in named)
    if "integer" in named or "number" in named:
        between = _between(schema.get("minimum"), schema.get("maximum"))
        return f"{word}, {between}" if between else word
    pattern = str(schema.get("pattern", ""))
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if pattern.startswith(_UUID_PATTERN):
        return "UUID in lower case"
    if _YEARS in pattern[:30]:
        return _FORMATS["date-time" if "T(" in pattern else "date"]
    return f"{word} of the form {pattern}" if pattern else word


def _between(least: Any, most: Any) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"{least} or more"
    return f"{most} at most" if least is None else f"{least} to {most}"
