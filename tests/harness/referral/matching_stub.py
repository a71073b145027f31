"""A stand-in for casework, booking and the others' audits over real HTTP, which records its requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from shared.contract.api.booking import ANOTHER_TIME, OPTIONS, PLACE
from shared.contract.api.casework import CASE_LINK_WORKERS, LINK_WORKER
from tests.harness.pages.serving import serving


@dataclass
class MatchingStub:
    """Its address and its requests: (path, authorization, body).

    `taken`: the chosen time is gone. `link_worker`: of every case; None if it does not answer. `covering`:
    colleagues who cover a case, by referral. `audited`: the entries of each service; one that is not there
    does not answer.
    """

    address: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    taken: bool = False
    link_worker: str | None = "lw-meir-1"
    covering: dict[str, list[str]] = field(default_factory=dict)
    audited: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


TIMES = [
    {
        **OPTIONS.answer_example["options"][0],
        "key": f"slot-{n}",
        "starts_at": f"2026-12-0{n}T10:30:00Z",
        "place": "Meir Primary Care Centre",
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

    @app.get(LINK_WORKER.path)
    async def one(link_worker: str) -> Any:
        if link_worker == "lw-meir-404":
            return JSONResponse({}, 404)
        return LINK_WORKER.answer_example | {"id": link_worker, "telephone": "01632 960150"}

    @app.get(PLACE.path)
    async def place(meeting_id: str) -> Any:
        return PLACE.answer_example | {"meeting_id": meeting_id}

    @app.post(CASE_LINK_WORKERS.path)
    async def link_workers(request: Request) -> Any:
        if standing.link_worker is None:
            return JSONResponse({}, 503)
        asked = await request.json()
        return {
            "link_workers": dict.fromkeys(asked["referrals"], standing.link_worker),
            "covering": {each: standing.covering.get(each, []) for each in asked["referrals"]},
        }

    @app.post("/api/{service}/v1/audit/entries")
    async def audit_entries(service: str, request: Request) -> Any:
        asked = await request.json()
        standing.asked.append((request.url.path, request.headers["authorization"], asked))
        if service not in standing.audited:
            return JSONResponse({}, 503)
        before = asked.get("before", "9")
        rows = [row for row in standing.audited[service] if row["at"] < before]
        return {"entries": sorted(rows, key=lambda row: row["at"], reverse=True)[: asked["limit"]]}

    @app.get(OPTIONS.path)
    async def options(meeting_id: str, request: Request) -> Any:
        standing.asked.append((request.url.path, request.headers["authorization"], None))
        return {"options": TIMES}

    @app.post(ANOTHER_TIME.path)
    async def another_time(meeting_id: str, request: Request) -> Any:
        standing.asked.append((request.url.path, request.headers["authorization"], await request.json()))
        if standing.taken:
            return JSONResponse({"type": "urn:linkwork:problem:slot_taken", "status": 409}, 409)
        return ANOTHER_TIME.answer_example

    async with serving(app) as standing.address:
        yield standing
