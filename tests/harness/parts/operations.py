"""A part's operations served over HTTP, by the published documents alone."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.harness.contract.parts import Described, conforms, described

PROBLEM = "urn:linkwork:problem:"


class Refusal(Exception):
    """A refusal by its code and status."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Asked:
    """One request: the operation's name, its parameters, body, token and idempotency key."""

    name: str
    given: Mapping[str, str]
    body: Any
    token: str
    key: str | None


# Answers a request with a JSON value. Raises Refusal.
Answer = Callable[[Asked], Awaitable[Any]]


@dataclass
class ServedPart:
    """A part's operations, each answered by a function of its name.

    Attributes:
        offered: the names of the operations that it serves and lists in its document; None for all, without
            a document.
        away: answers nothing while it is set.
        refuses: the status and code with which it answers every request.
    """

    part: str
    answers: Mapping[str, Answer]
    offered: frozenset[str] | None = None
    away: bool = False
    refuses: tuple[int, str] | None = None
    asked: list[Asked] = field(default_factory=list)
    _replies: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The names of the operations asked for, in order."""
        return [each.name for each in self.asked]

    def application(self) -> FastAPI:
        """The application that serves the operations."""
        app = FastAPI(openapi_url=None)
        operations = [each for each in described().values() if each.told["x-owner"] == self.part]

        @app.get(f"/api/contract/v1/{self.part}/openapi.json")
        async def document() -> Response:
            if self.offered is None:
                return Response(status_code=404)
            paths: dict[str, dict[str, Any]] = {}
            for each in operations:
                if each.name in self.offered:
                    paths.setdefault(each.path, {})[each.method.lower()] = {"operationId": each.name}
            return JSONResponse(
                {"openapi": "3.1.0", "info": {"title": "A part", "version": "1"}, "paths": paths}
            )

        for operation in operations:
            app.add_api_route(operation.path, self._route(operation), methods=[operation.method])
        return app

    def _route(self, operation: Described) -> Callable[[Request], Awaitable[Response]]:
        async def route(request: Request) -> Response:
            if self.offered is not None and operation.name not in self.offered:
                return Response(status_code=501)
            while self.away:
                await asyncio.sleep(0.05)
            status, answer = await self._answered(operation, request)
            if not operation.answers_as_described(status, answer):
                raise AssertionError(f"{operation.name} does not answer as described: {answer}")
            if status == 200 and "304" in operation.told["responses"]:
                return _tagged(request, answer)
            return JSONResponse(answer, status)

        return route

    async def _answered(self, operation: Described, request: Request) -> tuple[int, Any]:
        if self.refuses is not None:
            return _problem(*self.refuses)
        authorization = request.headers.get("authorization", "")
        if not re.fullmatch(r"Bearer \S+", authorization):
            return _problem(401, "no_token")
        body = await request.json() if "requestBody" in operation.told else None
        if body is not None and not conforms(operation.document, operation.told["requestBody"], body):
            return _problem(422, "invalid")
        given = {**request.query_params, **request.path_params}
        key = request.headers.get("idempotency-key")
        asked = Asked(operation.name, given, body, authorization.partition(" ")[2], key)
        self.asked.append(asked)
        whole = (operation.name, given, body)
        if key is not None and key in self._replies:
            before, reply = self._replies[key]
            return (200, reply) if before == whole else _problem(422, "idempotency_key")
        try:
            answer = await self.answers[operation.name](asked)
        except Refusal as refusal:
            return _problem(refusal.status, refusal.code)
        if key is not None:
            self._replies[key] = (whole, answer)
        return 200, answer


def _tagged(request: Request, answer: Any) -> Response:
    """The answer with its ETag, or 304 if the caller has it."""
    tag = f'"{blake2b(json.dumps(answer, sort_keys=True).encode(), digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return JSONResponse(answer, headers={"etag": tag})


def _problem(status: int, code: str) -> tuple[int, Any]:
    return status, {"type": f"{PROBLEM}{code}", "title": "Refused", "status": status}
