"""Tests whether each value that one JSON Schema allows is accepted by another. Pure.

It compares keyword by keyword, so it may refuse a change that means the same in other words. It follows
references, unions and nested objects. Words for people make no difference.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.contract.compatibility.breach import Rule

Schema = Mapping[str, Any]
# Pairs of references that are being compared: a schema may refer to itself.
_Seen = frozenset[tuple[str, str]]
_AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME: Final[Mapping[str, Rule]] = {
    "pattern": "pattern",
    "format": "format",
    "multipleOf": "limit",
    "uniqueItems": "limit",
    "propertyNames": "pattern",
    "not": "condition",
    "dependentRequired": "condition",
    "dependentSchemas": "condition",
    "contains": "condition",
}
_NULL: Final = frozenset({"null"})
_WORDS: Final = frozenset(
    {"title", "description", "examples", "example", "default", "$comment", "deprecated"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that the one allows and the other may not accept."""

    rule: Rule
    place: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Side:
    """A schema within its document, in which references are looked up."""

    schema: Schema
    root: Schema

    def at(self, schema: Any) -> "_Side":
        return _Side(schema if isinstance(schema, Mapping) else {}, self.root)

    def resolved(self) -> "_Side":
        """With its reference followed. What stands beside the reference counts too."""
        if "$ref" not in self.schema:
            return self
        target: Any = self.root
        for step in str(self.schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        rest = {name: each for name, each in self.schema.items() if name != "$ref"}
        return _Side({**self.at(target).resolved().schema, **rest}, self.root)


def differences(
    given: Schema, reader: Schema, *, of: tuple[Schema, Schema] | None = None
) -> list[Difference]:
    """Why a value that `given` allows may not be accepted by `reader`; empty if each is.

    `of` are the documents in which both stand, if these are not the schemas themselves.
    """
    roots = of or (given, reader)
    return _unique(_compare(_Side(given, roots[0]), _Side(reader, roots[1]), "", frozenset()))


def removed_properties(
    old: Schema, new: Schema, *, of: tuple[Schema, Schema] | None = None
) -> list[Difference]:
    """The properties of the old schema that the new one no longer names."""
    roots = of or (old, new)
    return _unique(_removed(_Side(old, roots[0]), _Side(new, roots[1]), "", frozenset()))


def _unique(found: Iterator[Difference]) -> list[Difference]:
    return list(dict.fromkeys(found))


def _compare(given: _Side, reader: _Side, place: str, seen: _Seen) -> Iterator[Difference]:
    refs = (str(given.schema.get("$ref")), str(reader.schema.get("$ref")))
    if refs != ("None", "None"):
        if refs in seen:
            return
        seen |= {refs}
    given, reader = given.resolved(), reader.resolved()
    if _union(reader) or _union(given):
        yield from _compare_unions(given, reader, place, seen)
        return
    yield from _types(given, reader, place)
    yield from _codes(given, reader, place)
    yield from _limits(given, reader, place)
    yield from _conditions(given, reader, place, seen)
    yield from _objects(given, reader, place, seen)
    if "items" in reader.schema and _may_be(given, "array"):
        items = given.at(given.schema.get("items", {})), reader.at(reader.schema["items"])
        yield from _compare(*items, f"{place}[]", seen)


def _union(side: _Side) -> Sequence[Any]:
    found: Sequence[Any] = side.schema.get("oneOf") or side.schema.get("anyOf") or ()
    return found


def _members(side: _Side) -> list[_Side]:
    union = _union(side)
    if not union:
        return [side]
    rest = {name: each for name, each in side.schema.items() if name not in ("oneOf", "anyOf")}
    members = [side.at(each).resolved() for each in union]
    return [side.at({**rest, **each.schema}) for each in members]


def _compare_unions(given: _Side, reader: _Side, place: str, seen: _Seen) -> Iterator[Difference]:
    known = _members(reader)
    for member in _members(given):
        kind = _kind(member)
        alike = [each for each in known if kind is not None and _kind(each) == kind]
        others = [each for each in known if _kind(each) is None] if kind is not None else known
        tried = [list(_compare(member, each, _within(place, kind), seen)) for each in alike or others]
        if not tried:
            yield Difference("removed_kind", _within(place, kind), str(kind or ""))
        elif all(tried):
            yield from min(tried, key=len)


def _kind(side: _Side) -> str | None:
    kind = side.schema.get("properties", {}).get("kind", {})
    return kind.get("const") if isinstance(kind, Mapping) else None


def _within(place: str, kind: str | None) -> str:
    return place if kind is None else f"{place}<{kind}>"


def _kinds(side: _Side) -> frozenset[str] | None:
    named = side.schema.get("type")
    if named is None:
        return None
    return frozenset([named] if isinstance(named, str) else named)


def _may_be(side: _Side, kind: str) -> bool:
    kinds = _kinds(side)
    return kinds is None or kind in kinds


def _types(given: _Side, reader: _Side, place: str) -> Iterator[Difference]:
    wanted, mine = _kinds(reader), _kinds(given)
    if wanted is None or (("const" in given.schema or "enum" in given.schema) and mine is None):
        return
    if "number" in wanted:
        wanted |= {"integer"}
    if mine is None or not mine <= wanted:
        yield Difference("type", place, f"{_listed(mine)}, not {_listed(wanted)}")


def _listed(words: frozenset[str] | None) -> str:
    return " or ".join(sorted(words)) if words is not None else "any"


def _allowed(side: _Side) -> list[Any] | None:
    if "const" in side.schema:
        return [side.schema["const"]]
    listed: list[Any] | None = side.schema.get("enum")
    return listed


def _codes(given: _Side, reader: _Side, place: str) -> Iterator[Difference]:
    wanted, mine = _allowed(reader), _allowed(given)
    if wanted is None:
        return
    if mine is None:
        yield Difference("codes", place, "any")
    elif lacking := [str(each) for each in mine if each not in wanted]:
        yield Difference("codes", place, ", ".join(lacking))


def _limits(given: _Side, reader: _Side, place: str) -> Iterator[Difference]:
    codes, pattern = _allowed(given), reader.schema.get("pattern")
    if codes is not None:  # Each by itself.
        strange = [str(each) for each in codes if pattern and not re.search(pattern, str(each))]
        if strange:
            yield Difference("pattern", place, ", ".join(strange))
        return
    for names, is_wider in ((_AT_LEAST, _below), (_AT_MOST, _above)):
        for name in names:
            limit = reader.schema.get(name)
            if limit is not None and is_wider(given.schema.get(name), limit):
                yield Difference("limit", place, f"{name} {given.schema.get(name, 'none')}, not {limit}")
    for name, rule in _SAME.items():
        if name in reader.schema and _bare(given.schema.get(name)) != _bare(reader.schema[name]):
            yield Difference(rule, place, name)


def _below(mine: Any, limit: Any) -> bool:
    return mine is None or mine < limit


def _above(mine: Any, limit: Any) -> bool:
    return mine is None or mine > limit


def _conditions(given: _Side, reader: _Side, place: str, seen: _Seen) -> Iterator[Difference]:
    mine = {json.dumps(_bare(each), sort_keys=True) for each in _asked(given)}
    for each in _asked(reader):
        if json.dumps(_bare(each), sort_keys=True) in mine and "$ref" not in json.dumps(each):
            continue
        holds = _holds(given, each)
        if holds is None:
            yield Difference("condition", place, ", ".join(sorted(each)))
        elif branch := each.get("then" if holds else "else"):
            yield from _compare(given, reader.at(branch), place, seen)


def _asked(side: _Side) -> list[Mapping[str, Any]]:
    own = {name: side.schema[name] for name in ("if", "then", "else") if name in side.schema}
    return [*side.schema.get("allOf", ()), *([own] if own else [])]


def _holds(given: _Side, condition: Mapping[str, Any]) -> bool | None:
    """Whether a condition on one property holds for all that is given, or for nothing; None if for some.

    The open schema of a union is made of such conditions: if the kind is this, then the body is that.
    """
    wanted = condition.get("if", {}).get("properties", {})
    if len(wanted) != 1:
        return None
    ((name, asked),) = wanted.items()
    if not isinstance(asked, Mapping) or "const" not in asked or name not in given.schema.get("required", ()):
        return None
    values = _allowed(given.at(given.schema.get("properties", {}).get(name)).resolved())
    if values is None or (asked["const"] in values and len(values) > 1):
        return None
    return asked["const"] in values


def _objects(given: _Side, reader: _Side, place: str, seen: _Seen) -> Iterator[Difference]:
    mine: Mapping[str, Any] = given.schema.get("properties", {})
    wanted: Mapping[str, Any] = reader.schema.get("properties", {})
    required = set(given.schema.get("required", ()))
    for name in reader.schema.get("required", ()):
        if name not in required:
            yield Difference("new_required", _below_in(place, name))
    for name in mine:
        if name in wanted:
            yield from _compare(given.at(mine[name]), reader.at(wanted[name]), _below_in(place, name), seen)
        elif reader.schema.get("additionalProperties") is False:
            yield Difference("closed", _below_in(place, name))
    rest, theirs = given.schema.get("additionalProperties"), reader.schema.get("additionalProperties")
    if isinstance(theirs, Mapping):
        if rest is not False:
            yield from _compare(given.at(rest), reader.at(theirs), _below_in(place, "*"), seen)
    elif theirs is False and rest is not False and _kinds(given) == frozenset({"object"}) and not mine:
        yield Difference("closed", place)
    patterns: Mapping[str, Any] = given.schema.get("patternProperties", {})
    for pattern, schema in reader.schema.get("patternProperties", {}).items():
        if pattern not in patterns:
            yield Difference("pattern", place, pattern)
        else:
            yield from _compare(given.at(patterns[pattern]), reader.at(schema), _below_in(place, "*"), seen)


def _removed(old: _Side, new: _Side, place: str, seen: _Seen) -> Iterator[Difference]:
    refs = (str(old.schema.get("$ref")), str(new.schema.get("$ref")))
    if refs != ("None", "None"):
        if refs in seen:
            return
        seen |= {refs}
    old, new = old.resolved(), new.resolved()
    if _union(old):
        theirs = [each for each in _members(new) if _kinds(each) != _NULL]
        for member in _members(old):
            kind = _kind(member)
            if kind is None:  # A value that may be null is one member beside null.
                alike = theirs if len(theirs) == 1 else []
            else:
                alike = [each for each in theirs if _kind(each) == kind]
            for other in alike:
                yield from _removed(member, other, _within(place, kind), seen)
        return
    wanted: Mapping[str, Any] = new.schema.get("properties", {})
    for name, each in old.schema.get("properties", {}).items():
        if name not in wanted:
            yield Difference("removed_property", _below_in(place, name))
        else:
            yield from _removed(old.at(each), new.at(wanted[name]), _below_in(place, name), seen)
    if "items" in old.schema:
        items = old.at(old.schema["items"]), new.at(new.schema.get("items", {}))
        yield from _removed(*items, f"{place}[]", seen)


def _below_in(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _bare(value: Any) -> Any:
    """The same without words for people."""
    return without(value, lambda name: name in _WORDS or name.startswith("x-"))


def without(value: Any, is_left_out: Callable[[str], bool], *, names_of_fields: bool = False) -> Any:
    """The same JSON value without members of these names. Names of properties are kept, whatever they are."""
    if isinstance(value, list | tuple):
        return [without(each, is_left_out) for each in value]
    if not isinstance(value, Mapping):
        return value
    fields = ("properties", "patternProperties", "schemas", "messages", "$defs", "dependentRequired")
    return {
        name: without(each, is_left_out, names_of_fields=name in fields)
        for name, each in value.items()
        if names_of_fields or not is_left_out(name)
    }
