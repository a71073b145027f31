"""A stand-in for matching over real HTTP, which records its requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.harness.pages.serving import serving


@dataclass
class MatchingStub:
    """Its address and its requests: (path, authorization, body).

    `taken`: the chosen time is gone. `link_worker`: of every case; None if it does not answer.
    """

    address: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    taken: bool = False
    link_worker: str | None = "lw-meir-1"


OPTIONS = [
    {
        "key": f"slot-{n}",
        "starts_at": f"2026-12-0{n}T10:30:00Z",
        "place": "Meir Primary Care Centre",
        "mode": "face_to_face",
    }
    for n in (1, 2, 3)
]


@asynccontextmanager
async def matching_stub() -> AsyncIterator[MatchingStub]:
    standing = MatchingStub()
    app = FastAPI()

    @app.post("/token")
    async def token() -> dict[str, Any]:
        return {"access_token": "a-token", "expires_in": 300, "token_type": "Bearer"}

    @app.get("/api/matching/v1/link-workers/{identity}")
    async def link_worker(identity: str) -> Any:
        if identity == "lw-meir-404":
            return JSONResponse({}, 404)
        return {
            "id": identity,
            "name": "Priya Wainwright",
            "telephone": "01632 960150",
            "entry": {
                "hours": [
                    {"weekday": day, "practices": ["M83100"], "place": "Meir Primary Care Centre, room 4"}
                    for day in range(7)
                ]
            },
        }

    @app.post("/api/matching/v1/case-link-workers")
    async def link_workers(request: Request) -> Any:
        if standing.link_worker is None:
            return JSONResponse({}, 503)
        asked = await request.json()
        return {"link_workers": dict.fromkeys(asked["referrals"], standing.link_worker)}

    @app.get("/api/matching/v1/meetings/{identity}/options")
    async def options(identity: str, request: Request) -> Any:
        standing.asked.append((request.url.path, request.headers["authorization"], None))
        return {"options": OPTIONS}

    @app.post("/api/matching/v1/meetings/{identity}/another-time")
    async def another_time(identity: str, request: Request) -> Any:
        standing.asked.append((request.url.path, request.headers["authorization"], await request.json()))
        return JSONResponse({"code": "slot_taken"}, 409) if standing.taken else {"meeting": None}

    async with serving(app) as standing.address:
        yield standing
