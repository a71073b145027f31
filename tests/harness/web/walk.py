"""Every place of every published body and parameter, and what does not belong there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

WRONG: dict[str, tuple[Any, ...]] = {
    "string": (0, 1, 1.5, True, [], {}),
    "boolean": (0, 1, 1.5, "true", "yes", [], {}),
    "integer": ("1", 1.5, True, [], {}, 10**400),
    "number": ("1", True, [], {}),
    "array": (0, True, "x", {}),
    "object": (0, True, "x", []),
}
FAR_DAYS = ("0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31", "2026-02-30", "0", "1764000000")
FAR_MOMENTS = (
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "2026-11-24T10:00:00",
    "1764000000",
)


@dataclass(frozen=True)
class Place:
    """One place in a body: the steps to it (a name, or 0 in a list) and what may stand there.

    `beside`: constants that must stand beside a step, such as the kind of one form of several.
    """

    steps: tuple[str | int, ...]
    allowed: tuple[Schema, ...]
    beside: tuple[Mapping[str, Any], ...] = ()

    @property
    def pointer(self) -> str:
        return "".join(f"/{step}" for step in self.steps)

    @property
    def types(self) -> set[str]:
        return {str(each["type"]) for each in self.allowed if "type" in each}

    def wrong(self) -> Iterator[Any]:
        """Values of no type that is allowed here, and days and moments out of reach."""
        for kind in self.types & set(WRONG):
            yield from (value for value in WRONG[kind] if not any(_fits(value, t) for t in self.types))
        formats = {each.get("format") for each in self.allowed}
        if "date" in formats:
            yield from FAR_DAYS
        if "date-time" in formats:
            yield from FAR_MOMENTS
        if "time" in formats:
            yield from ("0", "36000", "25:00", "noon")
        if "null" not in self.types:
            yield None

    def body(self, value: Any) -> Any:
        """The smallest body that has this value here."""
        for step, beside in zip(reversed(self.steps), reversed(self.beside), strict=True):
            value = [value] if step == 0 else {**beside, step: value}
        return value


def places(
    schema: Schema,
    parts: Schema,
    steps: tuple[str | int, ...] = (),
    beside: tuple[Mapping[str, Any], ...] = (),
) -> Iterator[Place]:
    """All places of a schema of an OpenAPI document, `parts` being its components."""
    allowed = tuple(_alternatives(schema, parts))
    if steps:
        yield Place(steps, allowed, beside)
    for each in allowed:
        properties: Schema = each.get("properties", {})
        constants = {name: inner["const"] for name, inner in properties.items() if "const" in inner}
        for name, inner in properties.items():
            yield from places(inner, parts, (*steps, name), (*beside, constants))
        if "items" in each:
            yield from places(each["items"], parts, (*steps, 0), (*beside, {}))


def _alternatives(schema: Schema, parts: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    elif "anyOf" in schema or "oneOf" in schema:
        for each in schema.get("anyOf") or schema["oneOf"]:
            yield from _alternatives(each, parts)
    elif "allOf" in schema:
        for each in schema["allOf"]:
            yield from _alternatives(each, parts)
    elif "const" in schema or "enum" in schema:
        yield {"type": "string"} | dict(schema)
    else:
        yield schema


def _fits(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and value < 10**30
    kinds: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict}
    return kind in kinds and isinstance(value, kinds[kind])
