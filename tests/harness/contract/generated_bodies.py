"""Bodies made from a schema, and bodies with something wrong or unknown in them."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.harness.contract.validators import Validator

Draw = Any
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_OTHER_TEXTS = [
    "",
    "to_be_invented",
    "Mary Smith",
    "other",
    "1700000000",
    "2026-12-01",
    "2026-02-29",
    "1900-02-29",
    "2000-02-29",
    "2200-01-01",
    "2026-12-01T10:00:00",
    "2026-12-01T10:00:00Z",
    "2026-12-01t10:00:00Z",
    "2026-12-01T10:00:00z",
    "2026-12-01 10:00:00Z",
    "2026-12-01T10:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T23:59:60Z",
    "2026-12-01T10:00:00.123456789+01:00",
    "2026-12-01T10:00:00+0100",
    "2026-12-01T10:00:00+10:75",
    "1850-01-01T00:00:00Z",
    "1900-01-01T00:30:00+01:00",
    "2199-12-31T23:30:00-01:00",
]
_OTHERS: list[Any] = [None, True, False, 0, 1, 3.0, 3.5, -1, 10**30, [], {}, ["debt"], {"debt": 1}]


def of_schema(schema: Any) -> st.SearchStrategy[Any]:
    """Values that the schema allows. It knows the keywords that our schemas use."""
    return _values(schema, schema.get("$defs", {}))


def _values(part: Any, definitions: Any) -> st.SearchStrategy[Any]:
    if "$ref" in part:
        return _values(definitions[part["$ref"].rsplit("/", 1)[-1]], definitions)
    if "oneOf" in part or "anyOf" in part:
        return st.one_of([_values(each, definitions) for each in part.get("oneOf", part.get("anyOf"))])
    if "const" in part:
        return st.just(part["const"])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    kind = part["type"]
    if kind == "object":
        return _object(part, definitions)
    if kind == "array":
        most = min(part.get("maxItems", 3), 3)
        return st.lists(_values(part["items"], definitions), min_size=part.get("minItems", 0), max_size=most)
    if kind == "integer":
        return st.integers(part["minimum"], part["maximum"])
    if kind == "string":
        known = st.sampled_from(part["examples"]) if part.get("examples") else st.nothing()
        return known | st.from_regex(part.get("pattern", "[a-z]{1,9}").replace("$", r"\Z"))
    return {"boolean": st.booleans(), "null": st.none()}[kind]


def _object(part: Any, definitions: Any) -> st.SearchStrategy[Any]:
    fields = {
        name: _values(each, definitions)
        for name, each in part["properties"].items()
        if "type" not in each or each["type"] != "object" or "properties" in each
    }
    needed = [name for name in part.get("required", []) if name in fields]
    plain = st.fixed_dictionaries(
        {name: fields[name] for name in needed},
        optional={name: each for name, each in fields.items() if name not in needed},
    )
    conditions = [each for each in [part, *part.get("allOf", [])] if "if" in each]
    return plain.flatmap(lambda value: _completed(value, conditions, fields, definitions))


def _completed(
    value: dict[str, Any], conditions: list[Any], fields: Any, definitions: Any
) -> st.SearchStrategy[Any]:
    """The value with what the conditions ask, which `value` meets or not."""
    asked: dict[str, st.SearchStrategy[Any]] = {}
    for each in conditions:
        branch = each["then"] if Validator(each["if"]).is_valid(value) else each.get("else", {})
        if "$ref" in branch:
            return _values(branch, definitions).map(lambda other: other | {"kind": value["kind"]})
        for name, schema in branch.get("properties", {}).items():
            if schema is True:
                asked[name] = fields[name]
            elif schema["type"] == "string":
                asked[name] = fields[name].filter(lambda found: found is not None)
            else:
                asked[name] = _some_of(schema, definitions) if "properties" in schema else st.none()
    return st.fixed_dictionaries(asked).map(lambda more: value | more)


def _some_of(schema: Any, definitions: Any) -> st.SearchStrategy[Any]:
    items = {name: _values(each, definitions) for name, each in schema["properties"].items()}
    return st.fixed_dictionaries({}, optional=items).filter(bool)


@st.composite
def altered(draw: Draw, bodies: st.SearchStrategy[Any]) -> Any:
    """A body with none, one or two of its values, names or fields altered."""
    body = copy.deepcopy(draw(bodies))
    for _ in range(draw(st.integers(0, 2))):
        places = list(_places(body))
        container, key = draw(st.sampled_from(places))
        how = draw(st.integers(0, 9))
        if how == 0:
            del container[key]
        elif how == 1 and isinstance(container, dict):
            container["of_a_later_version"] = draw(st.sampled_from(["x", 1, None, {"a": [1]}]))
        elif how == 2 and isinstance(container, dict):
            container["kind"] = draw(st.sampled_from(["to_be_invented", "retracted", 3, None, "Mary Smith"]))
        elif how < 6:
            container[key] = draw(st.sampled_from(_OTHERS) | st.sampled_from(_OTHER_TEXTS))
        else:
            container[key] = draw(st.sampled_from(_near(container[key])))
        if not body:
            break
    return json.loads(json.dumps(body))


def _places(value: Any) -> Any:
    """Each member of an object or array, as its container and its name or number."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in members:
        yield value, key
        if isinstance(each, dict | list):
            yield from _places(each)


def _near(value: Any) -> list[Any]:
    """Values that are almost this one."""
    if isinstance(value, bool) or value is None:
        return [str(value).lower(), int(bool(value))]
    if isinstance(value, int):
        return [value - 1, value + 1, str(value), float(value), str(value).translate(_ARABIC), value * 100]
    if isinstance(value, str):
        arabic = value.translate(_ARABIC)
        return [value.upper(), f"{value}\n", f" {value}", f"{value} ", arabic, value[:-1], [value]]
    return [None, [value], str(value)]
