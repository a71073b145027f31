"""The HTTP server of a small part, and who may ask it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.harness.conformance.small_part import SmallPart


class Problem(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class SmallServer:
    """Serves routes on a port of loopback."""

    def __init__(self, routes: Sequence[Route], port: int) -> None:
        app = Starlette(routes=routes, exception_handlers={Problem: _refused})
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._task


async def allowed(part: "SmallPart", request: Request, scope: str, locality: str = "") -> None:
    """Raises Problem unless the caller's token covers scope and locality."""
    if "believes everybody" in part.faults:
        return
    keys = KeySet.import_key_set((await part.http.get(f"{part.url}/jwks.json")).json())
    try:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        claims = jwt.decode(bearer, keys, algorithms=["ES256"]).claims
    except (JoseError, ValueError):
        raise Problem(401, "invalid_token") from None
    if claims["aud"] != f"http://127.0.0.1:{part.port}":
        raise Problem(401, "invalid_token")
    if not set(scope.split()) <= set(claims["scope"].split()):
        raise Problem(403, "scope")
    if locality and not {"*", locality} & set(claims["localities"]):
        raise Problem(403, "locality")


def owned(part: "SmallPart", slug: str) -> None:
    """Raises Problem unless the part is its owner's in this locality."""
    if not part.decides(slug):
        raise Problem(409, "not_owner")


async def _refused(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    content = {"type": f"https://linkwork.example.org/problems/{problem.code}", "status": problem.status}
    return JSONResponse(content, problem.status, media_type="application/problem+json")
