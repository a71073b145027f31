"""The adapter of our own parts: does by their APIs what the kit asks people to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from conformance.issuer import Issuer
from deploy.local.ports import LOOPBACK, free_port
from tests.harness.feed.records import lunch_club
from tests.harness.referral.people import referral_body

# Seconds for which an answer of 503 is asked again.
_AGAIN_FOR = 30
Do = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Hands:
    """Serves the kit's requests, and asks the part with tokens of the kit's issuer."""

    def __init__(
        self, part_url: str, localities: Mapping[str, str], *, keeps_link_workers: bool = False
    ) -> None:
        """`localities`: those of the run, each with a practice."""
        self.part_url = part_url
        self.localities = localities
        self._keeps_link_workers = keeps_link_workers
        self.issuer: Issuer  # The kit's, once it serves.
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}/"
        self._people: dict[str, dict[str, Any]] = {}
        app = Starlette(routes=[Route("/", self._handle, methods=["POST"])])
        config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._task

    async def _handle(self, request: Request) -> JSONResponse:
        body = await request.json()
        known: dict[str, Do] = {
            "link_workers": self._link_workers,
            "refer": self._refer,
            "withdraw": self._withdraw,
            "contact": self._contact,
            "erase": self._erase,
            "state": self._state,
            "stage": self._state,
            "figures": self._figures,
            "attended": self._attended,
            "service": self._service,
        }
        do = known.get(body["do"])
        if do is None or (do == self._link_workers and not self._keeps_link_workers):
            return JSONResponse({}, 501)
        try:
            return JSONResponse(await do(body))
        except httpx.HTTPStatusError as error:
            return JSONResponse({"status": error.response.status_code, "body": error.response.text}, 502)
        except (httpx.TransportError, TimeoutError) as error:  # The kit has killed the part.
            return JSONResponse({"body": type(error).__name__}, 502)

    async def _ask(self, method: str, path: str, body: Any = None, **claims: Any) -> Any:
        token = self.issuer.token(
            **{"sub": "conformance-hands", "localities": list(self.localities), **claims}
        )
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http, asyncio.timeout(_AGAIN_FOR):
            while True:
                answer = await http.request(method, f"{self.part_url}{path}", json=body, headers=headers)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                await asyncio.sleep(0.5)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    async def _link_workers(self, body: dict[str, Any]) -> dict[str, Any]:
        """Enters the kit's link workers, as long as our booking reads its own list alone."""
        for slug in body["localities"]:
            wanted, known = await self._listed(self.issuer.url, slug), await self._listed(self.part_url, slug)
            changed = [
                each for name, each in wanted.items() if not each.items() <= known.get(name, {}).items()
            ]
            base = "/api/matching/v1/link-workers"
            puts = (self._ask("PUT", f"{base}/{e['id']}", e, role="programme_admin") for e in changed)
            await asyncio.gather(*puts)
        return {}

    async def _listed(self, url: str, slug: str) -> dict[str, Any]:
        token = self.issuer.token(role="service", localities=["*"], scope="contacts:read")
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            listed = await http.get(
                f"{url}/api/contract/v1/casework/link-workers",
                params={"locality": slug},
                headers={"authorization": f"Bearer {token}"},
            )
        return {entry["id"]: entry for entry in listed.json()["link_workers"]} if listed.is_success else {}

    async def _refer(self, body: dict[str, Any]) -> dict[str, Any]:
        practice = self.localities[body["locality"]]
        asked = (
            self._people.setdefault(body.get("person", ""), referral_body())
            if "person" in body
            else referral_body()
        )
        asked = asked | {"practice": practice}
        try:
            made = await self._ask(
                "POST", "/api/referral/v1/referrals", asked, role="referrer", practices=[practice]
            )
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in (409, 422):
                raise
            return {"refused": error.response.json().get("type", "")}
        return {"referral_id": made["id"]}

    async def _withdraw(self, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/referral/v1/referrals/{body['referral_id']}/withdraw"
        practice = self.localities[body["locality"]]
        try:
            await self._ask("POST", path, {"reason": "person_asked"}, role="referrer", practices=[practice])
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 409:
                raise
        return {}

    async def _contact(self, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/referral/v1/referrals/{body['referral_id']}/contact"
        practice = self.localities[body["locality"]]
        caller: dict[str, Any] = {"role": "referrer", "practices": [practice]}
        known = await self._ask("GET", path, **caller)
        change = {"telephone": known["telephone"], "safe_to_text": body["contact"]}
        await self._ask("POST", path, change, **caller)
        return {}

    async def _erase(self, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/referral/v1/referrals/{body['referral_id']}/erase"
        await self._ask("POST", path, role="programme_admin", auth_time=int(time.time()))
        return {}

    async def _state(self, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/referral/v1/referrals/{body['referral_id']}"
        found = await self._ask("GET", path, role="referrer", practices=[self.localities[body["locality"]]])
        return {"stage": found["stage"]}

    async def _figures(self, body: dict[str, Any]) -> dict[str, Any]:
        found = await self._ask("GET", "/api/evaluation/v1/figures", role="programme_admin")
        place = next((each for each in found["places"] if each["place"] == body["locality"]), None)
        steps = {step["code"]: step["people"] for step in place["journey"]} if place else {}
        return {"referrals": steps.get("referred", 0)}

    async def _attended(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"lw-{body['locality']}-901"
        path = f"/api/matching/v1/meetings/{body['meeting_id']}/attended"
        await self._ask("POST", path, role="link_worker", link_worker=name)
        return {}

    async def _service(self, body: dict[str, Any]) -> dict[str, Any]:
        """Imports a feed of one service, offers it in the locality, and finds it there."""
        feed, caller = "conformance", {"role": "programme_admin"}
        document = {"contents": [lunch_club()]}
        await self._ask("POST", f"/api/matching/v1/directory/imports?feed={feed}", document, **caller)
        await self._ask(
            "PUT", f"/api/matching/v1/directory/feeds/{feed}/localities/{body['locality']}", **caller
        )
        found = await self._ask("GET", "/api/matching/v1/services", **caller)
        return {"service_id": found["contents"][0]["service"]["id"]}
