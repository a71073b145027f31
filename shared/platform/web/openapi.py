"""The published OpenAPI document: bearer tokens, and problem documents in place of FastAPI's own errors."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI

from shared.platform.web.problem import MEDIA_TYPE

_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem document. Nothing in it repeats what was sent.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:linkwork:problem:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901 pointer into the body"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_ANSWER = {
    "description": "Problem",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_METHODS = ("get", "post", "put", "patch", "delete")


class DocumentedApi(FastAPI):
    """FastAPI whose document describes the API alone (no pages), with our errors and its tokens."""

    _published: dict[str, Any] | None = None

    def openapi(self) -> dict[str, Any]:
        """The document, made once, after all routes are there."""
        if self._published is None:
            self._published = _ours(deepcopy(super().openapi()))
        return self._published


def _ours(made: dict[str, Any]) -> dict[str, Any]:
    made["paths"] = {path: item for path, item in made["paths"].items() if path.startswith("/api/")}
    parts = made.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    parts.setdefault("securitySchemes", {})["bearer"] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    for item in made["paths"].values():
        for method in _METHODS:
            if method in item:
                item[method]["security"] = [{"bearer": []}]
                responses = item[method].setdefault("responses", {})
                responses.pop("422", None)
                responses["4XX"] = responses["5XX"] = _ANSWER
    return made
