"""Partners keep the endpoints of their own sources over HTTP, and see no others."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from services.notifications.webhooks.use_cases import MAX_ENDPOINTS
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.web.principal import ROLES
from tests.harness.notifications.service_harness import NotificationsHarness
from tests.harness.web.every_service import routes_of
from tests.harness.web.issuer import LoopbackIssuer

BASE = "/api/contract/v1/webhooks"
URL = "https://hooks.history.example/linkwork?token=secret"


@dataclass
class Place:
    """The service, and a partner that calls it."""

    app: FastAPI
    locality: str
    issuer: LoopbackIssuer
    http: httpx.AsyncClient

    @property
    def source(self) -> str:
        return f"/{self.locality}/history"

    def partner(self, name: str | None = "history", **claims: Any) -> dict[str, str]:
        return self.issuer.bearer(
            **{"role": "partner", "localities": [self.locality], "partner": name} | claims
        )

    async def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(method, BASE + path, json=body, headers=headers or self.partner())

    async def add(self, **changed: Any) -> httpx.Response:
        return await self.call("POST", body={"source": self.source, "url": URL} | changed)


@pytest_asyncio.fixture
async def place(harness: NotificationsHarness, issuer: LoopbackIssuer) -> AsyncIterator[Place]:
    harness.more_settings = issuer.where()
    harness.clock.now = system_clock()
    async with harness.running() as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Place(app, harness.bench.locality, issuer, client)


async def test_partner_keeps_an_endpoint_of_its_own(place: Place) -> None:
    added = await place.add(kinds=["meeting_attended"], events=["outcome-recorded"])
    assert added.status_code == 201, added.text
    endpoint, secret = added.json()["endpoint"], added.json()["secret"]
    path = f"/{endpoint['id']}"
    assert added.headers["location"] == BASE + path
    assert secret.startswith("whsec_")
    assert (endpoint["address"], endpoint["state"]) == ("https://hooks.history.example/…", "enabled")
    assert (await place.call("GET")).json() == {"endpoints": [endpoint]}
    disabled = (await place.call("POST", f"{path}/disable")).json()
    assert (disabled["state"], disabled["because"]) == ("disabled", "partner")
    assert (await place.call("POST", f"{path}/enable")).json() == endpoint
    rotated = (await place.call("POST", f"{path}/rotate")).json()["secret"]
    assert rotated not in (secret, "")
    assert (await place.call("GET", f"{path}/deliveries?state=waiting")).json() == {"deliveries": []}
    again = await place.call("POST", f"{path}/send-again", {"state": "given_up"})
    assert again.json() == {"events": 0}
    assert (await place.call("POST", f"{path}/send-again", {})).status_code == 422
    shown = await place.call("GET", path)
    assert shown.json() == endpoint
    for hidden in ("secret", "/linkwork"):
        assert hidden not in shown.text
    assert (await place.call("DELETE", path)).status_code == 204
    assert (await place.call("GET", path)).status_code == 404


async def test_endpoint_that_cannot_be_is_refused_with_its_code(place: Place) -> None:
    assert (await place.add()).status_code == 201
    for changed, status, code in (
        ({}, 409, "known_address"),
        ({"source": f"/{place.locality}/booking"}, 422, "unknown_source"),
        ({"source": "/meir/vast-hub"}, 422, "unknown_source"),
        ({"source": ""}, 422, "unknown_source"),
        ({"source": "nonsense"}, 422, "unknown_source"),
        ({"url": "http://hooks.history.example/"}, 422, "bad_address"),
        ({"url": "https://127.0.0.1/"}, 422, "bad_address"),
        ({"url": f"{URL}2", "kinds": ["meeting_forgotten"]}, 422, "unknown_kind"),
        ({"url": f"{URL}2", "events": ["meeting-forgotten"]}, 422, "unknown_event"),
    ):
        refused = await place.add(**changed)
        assert (refused.status_code, refused.json()["type"]) == (status, f"urn:linkwork:problem:{code}")
        for quoted in ("token", "forgotten", "127.0.0.1"):
            assert quoted not in refused.text
    for number in range(1, MAX_ENDPOINTS):
        assert (await place.add(url=f"{URL}{number}")).status_code == 201
    assert (await place.add(url=f"{URL}more")).status_code == 409


async def test_other_partners_and_localities_see_none(place: Place) -> None:
    endpoint = (await place.add()).json()["endpoint"]["id"]
    others = (
        place.partner("vast-hub"),
        place.partner(None),
        place.partner(localities=["shelton"]),
    )
    for headers in others:
        assert (await place.call("GET", **headers)).json() == {"endpoints": []}
        for method, path in (
            ("GET", f"/{endpoint}"),
            ("DELETE", f"/{endpoint}"),
            ("POST", f"/{endpoint}/disable"),
            ("POST", f"/{endpoint}/enable"),
            ("POST", f"/{endpoint}/rotate"),
            ("GET", f"/{endpoint}/deliveries"),
        ):
            assert (await place.call(method, path, **headers)).status_code == 404
    assert (await place.call("GET", f"/{endpoint}")).status_code == 200


async def test_routes_are_for_partners_alone(place: Place) -> None:
    routes = [(path, route) for path, route in routes_of(place.app) if path.startswith(BASE)]
    assert len(routes) == 9
    for path, route in routes:
        url = path.removeprefix(BASE).replace("{endpoint_id}", new_id())
        for method in route.methods or ():
            for role in set(ROLES) - {"partner"}:
                headers = place.issuer.bearer(role=role, localities=[place.locality], scopes="messages:read")
                assert (await place.call(method, url, {}, **headers)).status_code == 403, (method, path, role)
            bare = await place.http.request(method, BASE + url)
            assert bare.status_code == 401
