"""Principals of every role, of the locality or another, by API or browser."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from fastapi import Response

from services.referral.collections import SESSIONS
from services.referral.settings import ReferralSettings
from shared.platform.web.csrf import FIELD
from shared.platform.web.granted import Granted
from shared.platform.web.session import Sessions
from tests.harness.journey.doors import Door
from tests.harness.journey.system import System
from tests.harness.journey.travel import Journey, browser
from tests.harness.web.forms import hidden_fields

SCOPES = (
    "claims:read notes:write directory:read directory:write contacts:read links:write messages:read "
    "referrals:write meetings:read meetings:write capacity:read"
)


@dataclass(frozen=True)
class Stranger:
    """A caller in a role without a right to the case; `why` gives the reason."""

    role: str
    why: str
    claims: Mapping[str, Any]


def strangers(system: System, case: Journey) -> list[Stranger]:
    """A caller of another locality in every role, or of another practice or caseload in this one."""
    here, elsewhere = system.localities.by_slug[case.locality], system.localities.by_slug["longton"]
    other_practice = next(p.ods for p in here.practices if p.ods != case.who.practice.ods)
    colleague = next(
        user.link_worker
        for user in system.users.values()
        if user.localities == (here.slug,) and user.link_worker not in (None, case.link_worker)
    )
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("referrer", elsewhere.slug, {"practices": [elsewhere.practices[0].ods]}),
        ("referrer", here.slug, {"practices": [other_practice]}),
        ("referrer", elsewhere.slug, {"practices": [other_practice]}),
        ("link_worker", elsewhere.slug, {"link_worker": "lw-longton-1"}),
        ("link_worker", elsewhere.slug, {"link_worker": case.link_worker}),
        ("link_worker", here.slug, {"link_worker": colleague}),
        ("link_worker", here.slug, {}),
        ("provider", elsewhere.slug, {"scope": f"service:{case.service}"}),
        ("provider", here.slug, {"scope": "service:00000000-0000-4000-8000-000000000000"}),
        ("analyst", elsewhere.slug, {}),
        ("programme_admin", elsewhere.slug, {}),
        ("service", elsewhere.slug, {"scope": SCOPES}),
    ]
    return [
        Stranger(
            role,
            f"{role} of {locality} with {more}",
            {"sub": f"stranger-{role}", "role": role, "localities": [locality], **more},
        )
        for role, locality, more in found
    ]


def at_home(system: System, case: Journey, role: str) -> dict[str, Any]:
    """The claims of a caller in this role with access to everything about the case that the role allows."""
    return {
        "sub": f"tester-{role}",
        "role": role,
        "localities": ["*"] if role == "service" else [case.locality],
        "practices": [case.who.practice.ods],
        "link_worker": case.link_worker,
        "scope": f"{SCOPES} service:{case.service}",
    }


@asynccontextmanager
async def page_reader(system: System, claims: Mapping[str, Any] | None) -> "AsyncIterator[PageReader]":
    """A browser with a signed-in user and an open page. With None, no user is signed in."""
    async with browser(system) as client:
        if claims is not None:
            secrets = json.loads((system.started.state / "secrets").read_text())
            settings = ReferralSettings(
                env="development", session_key=secrets["session_key"], public_url=system.url
            )
            response = Response()
            now = system.clock()
            whole = {"auth_time": int(now.timestamp()), **claims}
            granted = Granted(whole, now + timedelta(hours=9), str(claims["sub"]))
            session = Sessions(settings, system.clock).start(response, granted)
            kept = {"_id": session.digest, "used": now, "ends": session.ends}
            await system.mongo[f"{system.databases}_referral"][SESSIONS].insert_one(kept)
            name, _, rest = response.headers["set-cookie"].partition("=")
            client.cookies.set(name, rest.partition(";")[0])
        page = await client.get("/signed-out")
        yield PageReader(client, hidden_fields(page.text)[FIELD])


@dataclass
class PageReader:
    """Requests pages, and sends forms with a valid token."""

    client: httpx.AsyncClient
    token: str

    async def knock(self, door: Door, address: str, form: Mapping[str, str]) -> httpx.Response:
        sent = {FIELD: self.token, **form} if door.method == "POST" else None
        return await self.client.request(door.method, address, data=sent)
