"""A day of Meir's team: a referral goes back, a case is covered, a manager supervises, a team meets."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from deploy.demo.doors import Doors

LINK_WORKER, COLLEAGUE, MANAGER = "lw-meir-1", "lw-meir-2", "manager-meir"
# Half a second apart, while matching reads the referrals of today.
CASES_ATTEMPTS = 60
CASES = 2
NEXT_SESSION = timedelta(weeks=6)
MEETS_FOR = timedelta(weeks=8)


async def play_team(doors: Doors, matching_url: str, today: date) -> str:
    """Plays it through matching's API. Returns what was played, in a few words.

    Raises DoorShut if matching refuses.
    """
    api = f"{matching_url}/api/matching/v1"
    cases = await _cases(doors, api)
    if len(cases) < CASES:
        return "none, as there are too few cases"
    returned, covered = cases[:CASES]
    await doors.send(
        "POST", f"{api}/referrals/{returned}/return", LINK_WORKER, {"reason": "more_detail"}, _key("return")
    )
    await doors.send(
        "POST", f"{api}/referrals/{covered}/cover", COLLEAGUE, {"reason": "asked", "days": 14}, _key("cover")
    )
    session = {
        "link_worker": LINK_WORKER,
        "held_on": today.isoformat(),
        "next_on": (today + NEXT_SESSION).isoformat(),
        "cases": [{"referral": covered, "note": "Go along to the first visit."}],
    }
    await doors.send("POST", f"{api}/supervisions", MANAGER, session, _key("supervision"))
    for who in (LINK_WORKER, COLLEAGUE):
        await doors.send("POST", f"{api}/link-workers/{who}/appointments", who, _team_meeting(today))
    return "a referral returned, a case covered, a supervision session, a team meeting each week"


def _team_meeting(today: date) -> dict[str, str]:
    """The appointment of Wednesday afternoons, when nobody of the team meets people."""
    first = today + timedelta(days=(2 - today.weekday()) % 7 + 7)
    return {
        "day": first.isoformat(),
        "begins": "14:00",
        "ends": "15:30",
        "kind": "team",
        "note": "Bring one case to discuss",
        "repeats_until": (first + MEETS_FOR).isoformat(),
    }


async def _cases(doors: Doors, api: str) -> list[str]:
    """The open cases of the first link worker, the oldest first, as soon as there are enough."""
    found: list[dict[str, Any]] = []
    for _ in range(CASES_ATTEMPTS):
        answer = await doors.send("GET", f"{api}/caseload", LINK_WORKER, None)
        found = [case for case in answer.json()["cases"] if case["link_worker"] == LINK_WORKER]
        if len(found) >= CASES:
            break
        await asyncio.sleep(0.5)
    return [case["referral_id"] for case in sorted(found, key=lambda case: case["created_at"])]


def _key(step: str) -> dict[str, str]:
    return {"idempotency-key": f"linkwork-demo-team-{step}"}
