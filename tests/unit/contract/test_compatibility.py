"""One case for each rule of what may change within a version, and the changes that may be made."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any, get_args

import pytest

from shared.contract.compatibility import Breach, breaches, current, published, status
from shared.contract.compatibility.breach import SENTENCES, Rule
from shared.contract.compatibility.published import write

Change = Callable[[Any], None]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "need"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]+$"},
        "need": {"type": "string", "enum": ["debt", "job"]},
        "on": {"type": "string", "format": "date"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "many": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "maxItems": 3},
        "scores": {"type": "object", "additionalProperties": {"type": "integer", "maximum": 10}},
        "what": {"oneOf": [{"$ref": "#/$defs/One"}, {"$ref": "#/$defs/Two"}]},
    },
    "allOf": [{"if": {"properties": {"need": {"const": "job"}}}, "then": {"required": ["on"]}}],
    "$defs": {
        "Part": {"type": "object", "required": ["code"], "properties": {"code": {"enum": ["a", "b"]}}},
        "One": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"const": "one", "type": "string"}, "x": {"type": "string"}},
        },
        "Two": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"const": "two", "type": "string"}},
        },
    },
}
READING: dict[str, Any] = {
    **deepcopy(SCHEMA),
    "additionalProperties": True,
    "properties": {**deepcopy(SCHEMA["properties"]), "need": {"type": "string", "pattern": "^[a-z_]+$"}},
}
DOCUMENT: dict[str, Any] = {
    "servers": {"production": {"security": [{"$ref": "#/components/securitySchemes/scram"}]}},
    "channels": {"Created": {"address": "{l}.created.v1", "bindings": {"kafka": {"partitions": 3}}}},
    "operations": {
        "sendCreated": {
            "action": "send",
            "channel": {"$ref": "#/channels/Created"},
            "messages": [{"$ref": "#/channels/Created/messages/Made"}],
        },
        "receiveCreated": {
            "action": "receive",
            "channel": {"$ref": "#/channels/Created"},
            "messages": [{"$ref": "#/channels/Created/messages/Made"}],
            "bindings": {"kafka": {"groupId": {"pattern": "^x$"}}},
        },
    },
    "components": {
        "securitySchemes": {"scram": {"type": "scramSha512"}},
        "messages": {
            "Made": {
                "bindings": {"kafka": {"key": {"type": "string"}}},
                "headers": {
                    "type": "object",
                    "required": ["ce_id"],
                    "properties": {"ce_id": {"type": "string"}, "ce_actor": {"type": "string"}},
                },
            }
        },
    },
}
HTTP: dict[str, Any] = {
    "paths": {
        "/things/{id}": {
            "post": {
                "security": [{"bearer": []}],
                "parameters": [
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "day", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
                },
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}}
                    },
                    "409": {"description": "no"},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "In": {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            },
            "Out": {
                "type": "object",
                "required": ["c"],
                "properties": {"c": {"type": "string"}, "d": {"enum": ["x"]}},
            },
        }
    },
}
VERSION: dict[str, Any] = {
    "schemas/e.json": SCHEMA,
    "schemas/reading/e.json": READING,
    "asyncapi/partner.json": DOCUMENT,
    "openapi/booking.json": HTTP,
    "vectors.json": {"counting": "1", "ties": "2"},
}
E, A, H, V = "schemas/e.json", "asyncapi/partner.json", "openapi/booking.json", "vectors.json"


def put(path: str, value: Any) -> Change:
    """Sets the value at a path whose steps are separated by spaces."""

    def change(content: Any) -> None:
        *steps, last = path.split()
        for step in steps:
            content = content[int(step)] if isinstance(content, list) else content[step]
        content[last] = value

    return change


def drop(path: str) -> Change:
    """Removes the member, or the last item, at a path."""

    def change(content: Any) -> None:
        *steps, last = path.split()
        for step in steps:
            content = content[int(step)] if isinstance(content, list) else content[step]
        if isinstance(content, list):
            content.pop(int(last))
        else:
            del content[last]

    return change


OPERATION = "paths /things/{id} post"
BROKEN: list[tuple[Rule, str, str, Change]] = [
    # Schemas: what senders of the published version send.
    ("removed_property", E, "on", drop("properties on")),
    ("closed", E, "count", drop("properties count")),
    ("removed_property", E, "many[].code", drop("$defs Part properties code")),
    ("removed_kind", E, "what<two>", drop("properties what oneOf 1")),
    ("removed_property", E, "what<one>.x", drop("$defs One properties x")),
    ("new_required", E, "on", put("required", ["id", "need", "on"])),
    ("new_required", E, "many[].part", put("$defs Part required", ["code", "part"])),
    ("type", E, "count", put("properties count type", "string")),
    ("codes", E, "need", put("properties need enum", ["debt"])),
    ("codes", E, "many[].code", put("$defs Part properties code enum", ["a"])),
    ("pattern", E, "id", put("properties id pattern", "^[a-z]{2}$")),
    ("format", E, "on", put("properties on format", "date-time")),
    ("limit", E, "count", put("properties count maximum", 8)),
    ("limit", E, "count", put("properties count minimum", 2)),
    ("limit", E, "many", put("properties many maxItems", 2)),
    ("limit", E, "scores.*", put("properties scores additionalProperties maximum", 5)),
    ("condition", E, "", put("allOf 0 then", {"required": ["count"]})),
    ("condition", E, "", put("allOf", [*SCHEMA["allOf"], {"if": {}, "then": {"required": ["count"]}}])),
    # Schemas: what readers of the published version read.
    ("no_longer_required", E, "id", put("required", ["need"])),
    ("type", E, "count", put("properties count type", "number")),
    ("codes", E, "many[].code", put("$defs Part properties code enum", ["a", "b", "c"])),
    ("limit", E, "count", put("properties count maximum", 10)),
    ("condition", E, "", drop("allOf")),
    # AsyncAPI.
    ("removed_channel", A, "Created", drop("channels Created")),
    ("address", A, "Created", put("channels Created address", "{l}.created.v2")),
    ("partitions", A, "Created", put("channels Created bindings kafka partitions", 6)),
    (
        "partitions",
        A,
        "sendCreated.Made",
        put("components messages Made bindings kafka key", {"type": "integer"}),
    ),
    ("security", A, "servers.production", put("servers production security", [])),
    ("security", A, "servers.production", put("components securitySchemes scram type", "X509")),
    ("removed_operation", A, "sendCreated", drop("operations sendCreated")),
    ("operation", A, "sendCreated", put("operations sendCreated action", "receive")),
    (
        "operation",
        A,
        "receiveCreated",
        put("operations receiveCreated bindings kafka groupId", {"const": "y"}),
    ),
    ("removed_message", A, "sendCreated.Made", put("operations sendCreated messages", [])),
    (
        "new_required",
        A,
        "sendCreated.Made.headers.ce_actor",
        put("components messages Made headers required", ["ce_id", "ce_actor"]),
    ),
    (
        "no_longer_required",
        A,
        "receiveCreated.Made.headers.ce_id",
        drop("components messages Made headers required 0"),
    ),
    # OpenAPI.
    ("removed_operation", H, "POST /things/{id}", drop(OPERATION)),
    ("security", H, "POST /things/{id}", put(f"{OPERATION} security", [{"oidc": []}])),
    ("new_parameter", H, "POST /things/{id}.day", put(f"{OPERATION} parameters 1 required", True)),
    ("removed_property", H, "POST /things/{id}.day", drop(f"{OPERATION} parameters 1")),
    ("type", H, "POST /things/{id}.day", put(f"{OPERATION} parameters 1 schema", {"type": "integer"})),
    ("new_parameter", H, "POST /things/{id}.body", put(f"{OPERATION} requestBody required", True)),
    ("new_required", H, "POST /things/{id}.body.b", put("components schemas In required", ["a", "b"])),
    ("removed_property", H, "POST /things/{id}.body.b", drop("components schemas In properties b")),
    ("removed_answer", H, "POST /things/{id}.409", drop(f"{OPERATION} responses 409")),
    ("removed_answer", H, "POST /things/{id}.200", drop(f"{OPERATION} responses 200 content")),
    ("removed_property", H, "POST /things/{id}.200.d", drop("components schemas Out properties d")),
    ("no_longer_required", H, "POST /things/{id}.200.c", put("components schemas Out required", [])),
    ("codes", H, "POST /things/{id}.200.d", put("components schemas Out properties d enum", ["x", "y"])),
    # Vectors.
    ("removed_vector", V, "ties", drop("ties")),
    ("changed_vector", V, "ties", put("ties", "3")),
]


@pytest.mark.parametrize(("rule", "file", "place", "change"), BROKEN)
def test_change_is_refused_by_field_and_rule(rule: Rule, file: str, place: str, change: Change) -> None:
    new = deepcopy(VERSION)
    change(new[file])
    found = breaches(VERSION, new)
    assert (rule, file, place) in {(each.rule, each.file, each.place) for each in found}
    assert {each.file for each in found} == {file}
    assert f"{file}: {place or '(whole)'}: {rule}: {SENTENCES[rule]}" in "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("rule", "file"), [("removed_schema", E), ("removed_document", A), ("removed_document", H)]
)
def test_file_that_is_gone_is_refused(rule: Rule, file: str) -> None:
    assert breaches(VERSION, {path: each for path, each in VERSION.items() if path != file}) == [
        Breach(rule, file, "")
    ]


def test_each_rule_has_a_case() -> None:
    assert {rule for rule, *_ in BROKEN} | {"removed_schema", "removed_document"} == set(get_args(Rule))


NEW_KIND = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"const": "three", "type": "string"}},
}
ALLOWED: list[tuple[str, str, Change]] = [
    ("a new field that may be missing", E, put("properties more", {"type": "string"})),
    ("a new code of an open list", E, put("properties need enum", ["debt", "job", "housing"])),
    ("words for people", E, put("properties id description", "another sentence")),
    ("a definition of another name", E, put("$defs Unused", {"type": "string"})),
    ("a new header that may be missing", A, put("components messages Made headers properties ce_more", {})),
    ("another way to sign in", A, put("components securitySchemes mtls", {"type": "X509"})),
    ("a new operation", A, put("operations sendMore", {"action": "send"})),
    ("a new channel", A, put("channels CreatedTwo", {"address": "{l}.created.v2"})),
    ("a new path", H, put("paths /more", {})),
    ("a new parameter that may be missing", H, put(f"{OPERATION} parameters 1 description", "a day")),
    ("a new field of an answer", H, put("components schemas Out properties e", {"type": "string"})),
    ("a field of a body that is no longer required", H, put("components schemas In required", [])),
    ("a new vector", V, put("more", "4")),
]


@pytest.mark.parametrize(
    ("file", "change"), [each[1:] for each in ALLOWED], ids=[each[0] for each in ALLOWED]
)
def test_change_that_breaks_nobody_is_allowed(file: str, change: Change) -> None:
    new = deepcopy(VERSION)
    change(new[file])
    assert breaches(VERSION, new) == []


def test_new_kind_is_allowed_where_readers_know_an_unknown_one() -> None:
    any_kind = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    old, new = deepcopy(VERSION), deepcopy(VERSION)
    old["schemas/reading/e.json"]["properties"]["what"]["oneOf"].append(any_kind)
    new[E]["properties"]["what"]["oneOf"].append(NEW_KIND)
    assert breaches(old, new) == []
    assert breaches(VERSION, new) == [Breach("removed_kind", E, "what<three>", "readers", "three")]


def test_open_schema_of_conditions_on_the_kind_is_compared() -> None:
    conditions = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{each}"},
        }
        for name, each in (("one", "One"), ("two", "Two"))
    ]
    union = SCHEMA["properties"]["what"]
    old: dict[str, Any] = {
        "schemas/u.json": {**union, "$defs": SCHEMA["$defs"]},
        "schemas/reading/u.json": {"type": "object", "allOf": conditions, "$defs": SCHEMA["$defs"]},
    }
    new = deepcopy(old)
    new["schemas/u.json"]["oneOf"].append(NEW_KIND)
    assert breaches(old, new) == []
    new["schemas/u.json"]["$defs"]["One"]["properties"]["x"] = {"type": "integer"}
    found = {(each.rule, each.place, each.party) for each in breaches(old, new)}
    assert found == {("type", "<one>.x", "senders"), ("type", "<one>.x", "readers")}


def test_property_removed_from_what_may_be_null_is_refused() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}}
    old: dict[str, Any] = {
        "schemas/n.json": {"type": "object", "properties": {"a": {"anyOf": [inner, {"type": "null"}]}}}
    }
    new = deepcopy(old)
    del new["schemas/n.json"]["properties"]["a"]["anyOf"][0]["properties"]["x"]
    assert breaches(old, new) == [Breach("removed_property", "schemas/n.json", "a.x", "senders")]


def test_schema_that_refers_to_itself_is_compared() -> None:
    tree = {
        "type": "object",
        "properties": {"inner": {"$ref": "#/$defs/Tree"}},
        "additionalProperties": False,
    }
    old = {"schemas/t.json": {"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}}}
    assert breaches(old, old) == []


def test_published_version_is_whole() -> None:
    assert published().keys() >= {"vectors.json", "asyncapi/partner.json"}
    assert status()["version"]


def test_current_version_written_is_read_back(tmp_path: Any) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "gone.json").write_text("{}")
    write(tmp_path)
    assert breaches(published(tmp_path), current()) == []
    assert published(tmp_path).keys() == current().keys()


def test_check_prints_what_is_broken_or_that_nothing_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.contract.compatibility"], check=False, capture_output=True, text=True
    )
    found = breaches(published(), current())
    assert done.returncode == bool(found), done.stdout
    assert len(done.stdout.splitlines()) == len(found) + 1
