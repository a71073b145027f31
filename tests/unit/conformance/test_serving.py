"""The kit in the place of the other parts: it answers each operation of theirs that is no command."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.bundle import place
from conformance.issuer import Issuer
from conformance.kit import make_world
from conformance.serving import Request, answer
from conformance.settings import Kafka, Settings

WORLD = make_world(Settings(Kafka("broker:9092"), "booking", locality="meir", practice="M83100"))
ISSUER = Issuer("http://kit.example")


def operations() -> Iterator[tuple[str, str, Any]]:
    """Method, address and body of each operation without an idempotency key, by its example."""
    for file in sorted(place("api").glob("*.openapi.json")):
        for path, methods in json.loads(file.read_text("utf-8"))["paths"].items():
            for method, operation in methods.items():
                if operation["x-repeats"] != "key":
                    yield method.upper(), _address(path, operation), _body(operation)


def _address(path: str, operation: dict[str, Any]) -> str:
    query = []
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", each["example"])
        elif each["in"] == "query":
            values = each["example"] if isinstance(each["example"], list) else [each["example"]]
            query += [f"{each['name']}={value}" for value in values]
    return f"{path}?{'&'.join(query)}"


def _body(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((each["value"] for each in content.get("examples", {}).values()), None)


@pytest.mark.parametrize(("method", "address", "body"), operations())
def test_kit_answers_the_operations_of_other_parts(method: str, address: str, body: Any) -> None:
    headers = {"authorization": f"Bearer {ISSUER.token()}"}
    status, document = answer(WORLD, ISSUER, Request(method, address, body, headers))
    assert document.get("title") != "not_found"
    assert status in (200, 404)


def test_kit_answers_nobody_without_a_token() -> None:
    status, _ = answer(WORLD, ISSUER, Request("GET", "/api/contract/v1/parts?locality=meir", None, {}))
    assert status == 401
