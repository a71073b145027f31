"""The documents between parts as a stranger uses them: by their JSON alone."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from shared.contract.api.__main__ import FOLDER


@dataclass(frozen=True)
class Described:
    """One operation of a document."""

    name: str
    method: str
    path: str
    document: Mapping[str, Any]
    told: Mapping[str, Any]

    def address(self, things: Mapping[str, str]) -> str:
        """The path with its examples, and these values in place of theirs."""
        given = self._examples("path")
        return re.sub(r"\{(\w+)\}", lambda found: str(things.get(found[1], given[found[1]])), self.path)

    def query(self, things: Mapping[str, Any]) -> dict[str, Any]:
        """The query's examples, with these values in place of theirs."""
        return {name: things.get(name, value) for name, value in self._examples("query").items()}

    def _examples(self, within: str) -> dict[str, Any]:
        return {
            each["name"]: each["example"] for each in self.told.get("parameters", ()) if each["in"] == within
        }

    def body(self, things: Mapping[str, Any]) -> Any:
        """The body's example, with these values in place of theirs."""
        if "requestBody" not in self.told:
            return None
        example = example_of(self.told["requestBody"])
        return {name: things.get(name, value) for name, value in example.items()}

    def answers_as_described(self, status: int, answer: Any) -> bool:
        """True if the document has this status, and the answer has its schema."""
        described = self.told["responses"].get(str(status))
        return described is not None and conforms(self.document, resolved(self.document, described), answer)


def described() -> dict[str, Described]:
    """Every operation of every document, by name."""
    found: dict[str, Described] = {}
    for path in sorted(FOLDER.glob("*.openapi.json")):
        document = json.loads(path.read_text())
        for address, item in document["paths"].items():
            for method, told in item.items():
                name = told["operationId"]
                found[name] = Described(name, method.upper(), address, document, told)
    return found


def resolved(document: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    """The response behind a reference."""
    if "$ref" not in response:
        return response
    found: Mapping[str, Any] = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found


def example_of(content: Mapping[str, Any]) -> Any:
    """The example of a body or an answer."""
    return content["content"]["application/json"]["examples"]["example"]["value"]


def conforms(document: Mapping[str, Any], content: Mapping[str, Any], value: Any) -> bool:
    """True if a JSON value has the schema of a body or an answer."""
    (media,) = content["content"].values()
    validator = jsonschema.Draft202012Validator(
        {**media["schema"], "components": document["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    return bool(validator.is_valid(value))
