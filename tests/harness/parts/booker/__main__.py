"""Runs the partner as a process, configured by the environment as the examples for partners are.

    python -m tests.harness.parts.booker

KAFKA_BOOTSTRAP, KAFKA_USER, KAFKA_PASSWORD, LOCALITY, PARTNER: as in docs/partners.md.
LINKWORK_URL: the address of Linkwork.
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET: where a token comes from.
DATABASE: the partner's file. PORT: of its operations. LINKWORK_STATE: the folder of the clock.
GROUP, RESET: its consumer group (none if empty) and where a new group begins.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from shared.contract.api.casework import LINK_WORKERS
from shared.contract.events.topics import SOURCE_PARTS
from shared.contract.history import ListedSources, SourceTable
from tests.harness.journey.clock import MovedClock
from tests.harness.parts.booker.diary import Diary
from tests.harness.parts.booker.follower import PART, Booker, Standing, follow
from tests.harness.parts.booker.memory import Memory

_ASKS_EVERY = 1.0
_STAFF_EVERY = 60.0
SCOPE = "contacts:read"
PARTS_PATH = "/api/contract/v1/parts"
SOURCES_PATH = "/api/contract/v1/sources"


def connection(environment: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of every client of the broker."""
    if not environment.get("KAFKA_USER"):
        return {"bootstrap_servers": environment["KAFKA_BOOTSTRAP"]}
    return {
        "bootstrap_servers": environment["KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": environment["KAFKA_USER"],
        "sasl_plain_password": environment["KAFKA_PASSWORD"],
    }


class OwnToken(httpx.Auth):
    """A token by client credentials, asked for anew after half its life or a refusal."""

    requires_response_body = True

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = f"{environment['OIDC_ISSUER']}/token"
        self._client = (environment["OIDC_CLIENT_ID"], environment["OIDC_CLIENT_SECRET"])
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the token to a request."""
        if time.monotonic() > self._until:
            name, secret = self._client
            form = {"grant_type": "client_credentials", "scope": SCOPE}
            form |= {"client_id": name, "client_secret": secret}
            answer = yield httpx.Request("POST", self._address, data=form)
            if answer.is_success:
                told = answer.json()
                self._token, self._until = told["access_token"], time.monotonic() + told["expires_in"] / 2
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == 401:
            self._until = 0.0


async def ask(booker: Booker, http: httpx.AsyncClient) -> None:
    """Asks every second who owns booking, and once a minute who the link workers are. Never returns."""
    loop, staffed_at = asyncio.get_running_loop(), float("-inf")
    here = {"locality": booker.locality}
    while True:
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, StopIteration):
            if loop.time() - staffed_at > _STAFF_EVERY or not booker.diary.is_staffed:
                await _ask_for_staff(booker, http)
                staffed_at = loop.time()
            answer = (await http.get(PARTS_PATH, params=here)).raise_for_status().json()
            booker.standing = standing_of(answer)
        await asyncio.sleep(_ASKS_EVERY)


async def _ask_for_staff(booker: Booker, http: httpx.AsyncClient) -> None:
    here = {"locality": booker.locality}
    answer = (await http.get(LINK_WORKERS.path, params=here)).raise_for_status().json()
    booker.diary.staff(answer["link_workers"])
    with booker.memory.transaction():
        booker.memory.keep("staff", answer["link_workers"])


def standing_of(answer: Mapping[str, Any]) -> Standing:
    """The owner of booking, from an answer of the parts API."""
    found = next(each for each in answer["parts"] if each["part"] == PART)
    claim = found.get("handing_over")
    return Standing(found["owner"], int(found["epoch"]), claim["to"] if claim else None)


def application(booker: Booker) -> FastAPI:
    """The partner's HTTP: whether it runs."""
    app = FastAPI()

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        known = booker.standing
        return JSONResponse({"owner": known.owner if known else None, "decides_in": booker.epoch()})

    return app


async def main(environment: Mapping[str, str]) -> None:
    """Runs until it is stopped."""
    memory = Memory(Path(environment["DATABASE"]))
    async with httpx.AsyncClient(
        base_url=environment["LINKWORK_URL"],
        auth=OwnToken(environment),
        timeout=5,
        trust_env=False,
    ) as http:
        booker = Booker(
            environment["LOCALITY"],
            environment["PARTNER"],
            memory,
            MovedClock(Path(environment["LINKWORK_STATE"])),
            await _sources(http),
            Diary(),
        )
        booker.diary.staff(memory.word("staff", []))
        booker.learn()
        config = uvicorn.Config(
            application(booker), host="127.0.0.1", port=int(environment["PORT"]), log_level="warning"
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(uvicorn.Server(config).serve())
            tasks.create_task(ask(booker, http))
            group, reset = environment.get("GROUP"), environment.get("RESET", "earliest")
            tasks.create_task(follow(booker, connection(environment), group or None, reset))


async def _sources(http: httpx.AsyncClient) -> SourceTable:
    """The priorities and parts of the sources. Asked until they are told: without them no fold is right."""
    while True:
        with contextlib.suppress(httpx.HTTPError):
            answer = await http.get(SOURCES_PATH)
            if answer.is_success:
                listed = answer.json()["sources"]
                ranks = {each["source"]: each["priority"] for each in listed}
                return ListedSources(
                    ranks, {e["source"]: e["part"] for e in listed if e["part"] in SOURCE_PARTS}
                )
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(main(os.environ))
