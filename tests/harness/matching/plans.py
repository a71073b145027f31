"""A case with a service in its plan, made through the API."""

from typing import Any

import orjson

from tests.harness.feed.records import lunch_club
from tests.harness.matching.service_harness import MatchingHarness


async def service_of(here: MatchingHarness, **changes: Any) -> str:
    """Imports a feed with one service, and returns the service."""
    record = lunch_club(**changes)
    answer = await here.http.post(
        "/directory/imports?feed=test", content=orjson.dumps({"contents": [record]}), headers=here.admin()
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["services"] == 1, answer.text
    found = await here.http.get("/services", headers=here.admin())
    return str(found.json()["contents"][0]["service"]["id"])


async def prescribed(here: MatchingHarness, **more: Any) -> tuple[str, str]:
    """A met person with a service in the plan: (referral, prescription)."""
    referral = await here.refer()
    await here.met(referral)
    service = await service_of(here)
    body = {"service_id": service, "need": "befriending", "may_share": "yes"} | more
    done = await here.post(f"/referrals/{referral}/prescriptions", body, of=here.link_worker())
    assert done.status_code == 201, done.text
    (said, *_) = done.json()["said"]
    return referral, str(said["detail"]["prescription_id"])
