"""An OpenAPI 3.1 document for each part that answers look-ups and commands, made from its operations."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from shared.contract.api import OPERATIONS, problems
from shared.contract.api.operation import Operation, Parameter
from shared.contract.api.words import described
from shared.contract.events.topics import SOURCE_PARTS, SourcePart

VERSION: Final = "1.0.0"
PROBLEM_JSON: Final = "application/problem+json"
_REF: Final = "#/components/schemas/{model}"
_MODE: Final[JsonSchemaMode] = "validation"
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request is done once and answered again.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
    "example": "6f4e2a0c-1b1d-4c58-9d1a-0f0e6f1f2a3b",
}
_REPEATS: Final = {
    "safe": "Changes nothing. Ask again whenever an answer is missing.",
    "key": "Changes something. Send an Idempotency-Key, and the same key when you ask again.",
    "again": "A repeat has the same effect.",
}
_ABOUT: Final = (
    "Each operation names its owner (`x-owner`), the parts that may ask (`x-callers`) and the time in which"
    " the owner answers (`x-time-limit-ms`). A caller's page waits no longer, and shows what it has.\n\n"
    "A caller sends a token of its own, by OIDC client credentials. A partner's token has the role"
    " `partner`, its name in `partner`, its `localities`, the `parts` in whose name it asks, and the"
    " operation's scopes. With `x-owners-only` it must own such a part in the locality; with `x-purposes` it"
    " asks for a purpose of that part. With `x-passed-on` a former owner of the part asks, in its name, for"
    " what reaches it after a hand-over, as long as the table names its source in the locality.\n\n"
    "A reader ignores fields that it does not know. Refusals are RFC 9457 problem documents, and repeat"
    " nothing of what was sent."
)


def documents() -> dict[SourcePart, dict[str, Any]]:
    """The document of each part that answers, by part."""
    owned = {part: [each for each in OPERATIONS if each.owner == part] for part in SOURCE_PARTS}
    return {part: document(part, operations) for part, operations in owned.items() if operations}


def document(part: SourcePart, operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of one part."""
    types = {_key(each, what): kind for each in operations for what, kind in _types(each)}
    types |= {_of(each, one): one.annotation for each in operations for one in each.parameters}
    inputs = [(key, _MODE, TypeAdapter[Any](kind)) for key, kind in types.items()]
    made, defs = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    schemas = {key: made[key, _MODE] for key in types}
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Linkwork: what {part}'s owner answers",
            "version": VERSION,
            "summary": f"Look-ups and commands that other parts ask of {part}.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": "https://linkwork.example.org", "description": "Where the part's owner answers."}
        ],
        "tags": [{"name": part}],
        "paths": paths,
        "components": {
            "schemas": {**described(defs.get("$defs", {})), "Problem": _PROBLEM},
            "responses": {name: made for each in operations for name, made in _refusals(each).items()},
            "securitySchemes": {"part": _security(operations)},
        },
    }


def _types(operation: Operation) -> list[tuple[str, Any]]:
    body = [("body", operation.body)] if operation.body is not None else []
    return [*body, ("answer", operation.answer)]


def _key(operation: Operation, what: str) -> str:
    return f"{operation.name}.{what}"


def _of(operation: Operation, parameter: Parameter) -> str:
    return _key(operation, f"parameter.{parameter.name}")


def _operation(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [_parameter(each, schemas[_of(operation, each)]) for each in operation.parameters]
    answer = {
        "description": "The answer.",
        "content": _json(schemas[_key(operation, "answer")], operation.answer_example),
    }
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.owner],
        "summary": operation.words.partition(". ")[0].rstrip("."),
        "description": f"{operation.words}\n\n{_REPEATS[operation.repeats]}",
        "security": [{"part": list(operation.scopes)}],
        "x-owner": operation.owner,
        "x-callers": sorted(operation.callers),
        "x-time-limit-ms": operation.limit_ms,
        "x-repeats": operation.repeats,
        "x-partners": operation.for_partners,
        "x-owners-only": operation.owners_only,
    }
    if operation.passed_on:
        made["x-passed-on"] = True
    if operation.purposes:
        made["x-purposes"] = {part: sorted(named) for part, named in sorted(operation.purposes.items())}
    if operation.repeats == "key":
        parameters.append(_KEY)
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        content = _json(schemas[_key(operation, "body")], operation.body_example)
        made["requestBody"] = {"required": True, "content": content}
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_name(operation, status)}"}
        for status in codes_of(operation)
    }
    made["responses"] = {str(operation.status): answer, **refusals}
    if any(each.name == "If-None-Match" for each in operation.parameters):
        tag = {
            "description": "The state of the answer.",
            "schema": {"type": "string"},
            "example": '"5b1d2c3e4f"',
        }
        answer["headers"] = {"ETag": tag}
        made["responses"]["304"] = {"description": "As in the answer with this ETag."}
    return made


def _parameter(parameter: Parameter, schema: Any) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.within,
        "required": parameter.required,
        "description": parameter.words,
        "schema": schema,
        "example": parameter.example,
    }


def _json(schema: Any, example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "examples": {"example": {"value": example}}}}


def codes_of(operation: Operation) -> dict[int, list[str]]:
    """The codes of refusals that an operation may answer with, by status."""
    every = sorted({*problems.EVERYWHERE, *operation.problems}, key=lambda code: (_status(code), code))
    return {status: list(codes) for status, codes in groupby(every, _status)}


def _status(code: str) -> int:
    return problems.PROBLEMS[code][0]


def _refusals(operation: Operation) -> dict[str, Any]:
    return {
        _name(operation, status): _refusal(status, codes) for status, codes in codes_of(operation).items()
    }


def _name(operation: Operation, status: int) -> str:
    """The name of a refusal: common to all operations, or of this one."""
    own = any(_status(code) == status for code in operation.problems)
    return f"{operation.name}{status}" if own else f"refused{status}"


def _refusal(status: int, codes: Sequence[str]) -> dict[str, Any]:
    kinds = [f"{problems.TYPE}{code}" for code in codes]
    narrowed = {"properties": {"type": {"enum": kinds}, "status": {"const": status}}}
    sentences = {code: problems.PROBLEMS[code][1] for code in codes}
    examples = {
        code: {"summary": said, "value": {"type": f"{problems.TYPE}{code}", "title": said, "status": status}}
        for code, said in sentences.items()
    }
    schema = {"allOf": [{"$ref": _REF.format(model="Problem")}, narrowed]}
    refusal: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {said}" for code, said in sentences.items()),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        refusal["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return refusal


def _security(operations: Sequence[Operation]) -> dict[str, Any]:
    scopes = sorted({scope for each in operations for scope in each.scopes})
    words = {scope: _scope(scope, operations) for scope in scopes}
    return {
        "type": "oauth2",
        "description": "Client credentials at the programme's OIDC issuer.",
        "flows": {"clientCredentials": {"tokenUrl": "https://issuer.example.org/token", "scopes": words}},
    }


def _scope(scope: str, operations: Sequence[Operation]) -> str:
    return ", ".join(each.name for each in operations if scope in each.scopes)


_PROBLEM: Final[dict[str, Any]] = {
    "description": "An RFC 9457 problem document.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "The code stands at its end."},
        "title": {"type": "string", "description": "The kind of refusal, for people."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "part": {"type": "string", "description": "With `not_owner`: the part."},
        "owner": {"type": "string", "description": "With `not_owner`: the part's owner in the locality."},
        "address": {"type": "string", "description": "With `not_owner`: where to ask the owner, if known."},
        "errors": {
            "description": "With `invalid`: each defect.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901 pointer into the body."},
                    "code": {"type": "string", "description": "The defect, for programs."},
                    "detail": {"type": "string", "description": "The defect in a sentence."},
                },
            },
        },
    },
}
