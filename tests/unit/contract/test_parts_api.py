"""The OpenAPI documents between parts: valid, current, and their examples true to their own schemas."""

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter

from shared.contract.api import OPERATIONS, Operation, problems
from shared.contract.api.__main__ import FOLDER, files
from shared.contract.api.openapi import codes_of, documents
from shared.contract.events.topics import SOURCE_PARTS
from tests.harness.contract.parts import conforms, resolved

DOCUMENTS = documents()
PAGE = FOLDER.parents[2] / "docs/contract/lookups.md"
BY_NAME = [pytest.param(each, id=each.name) for each in OPERATIONS]


def described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENTS[operation.owner]["paths"][operation.path][operation.method.lower()]
    return found


def test_documents_are_current() -> None:
    there = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert there == files(), "run `make schemas`"


@pytest.mark.parametrize("part", DOCUMENTS)
def test_document_is_valid_openapi(part: Any) -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENTS[part]))).validate()


@pytest.mark.parametrize("operation", BY_NAME)
def test_operation_says_who_asks_whom_and_how_fast(operation: Operation) -> None:
    told = described(operation)
    assert told["x-owner"] == operation.owner
    assert operation.owner not in operation.callers
    assert set(told["x-callers"]) <= set(SOURCE_PARTS)
    # A former owner of the part asks, where its own links have to work to their end.
    assert told.get("x-passed-on", False) is operation.passed_on is (operation.name == "answerLink")
    assert bool(operation.callers) is not operation.passed_on
    assert told["security"] == [{"part": list(operation.scopes)}]
    assert told["x-time-limit-ms"] <= (2_000 if operation.repeats == "safe" else 5_000)
    assert set(operation.purposes) in (set(), set(operation.callers))
    assert set(operation.problems) <= set(problems.PROBLEMS)
    has_key = any(each["name"] == "Idempotency-Key" for each in told.get("parameters", ()))
    assert has_key is (operation.repeats == "key")


@pytest.mark.parametrize("operation", BY_NAME)
def test_examples_conform_to_their_schemas(operation: Operation) -> None:
    document = DOCUMENTS[operation.owner]
    told = described(operation)
    assert conforms(document, told["responses"][str(operation.status)], operation.answer_example)
    TypeAdapter[Any](operation.answer).validate_python(operation.answer_example)
    if operation.body is not None:
        assert conforms(document, told["requestBody"], operation.body_example)
        assert not conforms(
            document, told["requestBody"], dict(operation.body_example) | {"surname": "Smith"}
        )
    for parameter in told.get("parameters", ()):
        jsonschema.validate(parameter["example"], parameter["schema"] | document)
    for status in codes_of(operation):
        refusal = resolved(document, told["responses"][str(status)])
        (content,) = refusal["content"].values()
        for example in content["examples"].values():
            assert conforms(document, refusal, example["value"])


def test_names_and_addresses_are_unique() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


def test_page_names_each_operation_with_its_scope_and_limit() -> None:
    lines = PAGE.read_text().splitlines()
    for each in OPERATIONS:
        (line,) = [line for line in lines if f"`{each.method} {each.path}`" in line]
        assert f"| `{each.scope}` | {each.limit_ms // 1000} s |" in line
        assert (" * |" in line) is (each.repeats == "key")
        if each.for_partners and "the same" not in line:
            assert f"| {', '.join(sorted(each.askers))} |" in line


@pytest.mark.parametrize("part", DOCUMENTS)
def test_every_property_is_described(part: Any) -> None:
    schemas = DOCUMENTS[part]["components"]["schemas"]
    bare = [
        f"{name}.{each}"
        for name, schema in schemas.items()
        for each, told in schema.get("properties", {}).items()
        if not told.get("description")
    ]
    assert bare == []
