"""Scenes: facts that call for something of a part, and how that something is seen."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from conformance.clause import NOTHING, Broken, NotTried
from conformance.events import Event
from conformance.trial import Trial, now
from conformance.world import SERVICE

_LOOKS_EVERY: Final = 0.3


@dataclass
class Scene:
    """One referral, and the facts about it by the other parts, which are not said yet."""

    referral: str
    events: list[Event]
    # The thing that effects are counted by: a telephone number, a prescription, a figure before.
    by: Any = None
    seen: int = field(default=0)


async def make(trial: Trial, at: datetime | None = None, **traits: Any) -> Scene:
    """A scene for the part that is tried."""
    part = trial.kit.settings.part
    if part == "referral":
        made = await trial.hand("refer")
        referral = str(made["referral_id"])
        trial.referrals[referral] = trial.locality
        await trial.until("a creation", lambda: next(iter(trial.said(referral, "referral_created")), None))
        return Scene(referral, [trial.booking("booking", referral)])
    created = trial.creation(at=at, **traits)
    referral = created.referral
    if part == "booking":
        return Scene(referral, [created])
    booked = trial.booking("booking", referral, at=at)
    if part == "casework":
        return Scene(referral, [created, booked], booked.data["link_worker"])
    if part == "directory":
        prescription = trial.new_id()
        more: dict[str, Any] = {"prescription_id": prescription}
        prescribed = trial.event(
            "casework",
            "service_prescribed",
            referral,
            **more,
            service_id=SERVICE,
            need="befriending",
            signposted=False,
        )
        agreed = trial.event(
            "casework", "sharing_changed", referral, **more, agreement="service", agreed="yes"
        )
        return Scene(referral, [created, booked, prescribed, agreed], prescription)
    if part == "notifications":
        hour = now().astimezone(ZoneInfo("Europe/London")).hour
        first, last = trial.kit.settings.day
        if not first <= hour < last:
            raise NotTried("Nothing is sent to a person from 20:00 to 8:00 (NOTE-8): try it by day.")
        person = trial.kit.world.people[referral] or {}
        return Scene(referral, [created, booked], person["telephone"])
    before = await trial.hand("figures")
    return Scene(referral, [created], int(before["referrals"]))


async def effects(trial: Trial, scene: Scene) -> int:
    """Counts the times that the part has done what the scene calls for."""
    part = trial.kit.settings.part
    if part == "booking":
        return len(trial.said(scene.referral))
    if part == "casework":
        body = {"locality": trial.locality, "referrals": [scene.referral]}
        answer = await _quietly(trial, "POST", "/api/matching/v1/case-link-workers", "contacts:read", body)
        return int(answer.is_success and answer.json()["link_workers"].get(scene.referral) == scene.by)
    if part == "directory":
        path = f"/api/matching/v1/prescriptions/{scene.by}/link"
        answer = await _quietly(trial, "POST", path, "links:write", None, locality=trial.locality)
        return int(answer.is_success)
    if part == "notifications":
        return sum(each.get("to") == scene.by for each in trial.kit.world.texts)
    if part == "referral":
        found = await trial.look("state", referral_id=scene.referral)
        return int(found.get("stage") == "booked")
    return int((await trial.look("figures"))["referrals"]) - int(scene.by)


async def shown(
    trial: Trial, scene: Scene, seconds: float | None = None, *, count: int | None = None
) -> None:
    """Waits until the part has done what the scene calls for: at all, or as often as `count` says."""
    limit = (trial.clause.limit if seconds is None else seconds) * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while not (found := await effects(trial, scene)) or (count is not None and found != count):
        if asyncio.get_running_loop().time() > end:
            times = "" if count is None else f", {count} times"
            raise Broken(
                f"{EFFECT[trial.kit.settings.part]}{times} within {limit:.0f} s",
                trial.heard_lines()
                or (NOTHING if trial.kit.settings.part == "booking" else f"{found} times"),
            )
        await trial.kit.bus.changes(_LOOKS_EVERY)


async def play(trial: Trial, scenes: Sequence[Scene]) -> None:
    """Says everything of these scenes and waits for each effect."""
    await trial.say(*(event for scene in scenes for event in scene.events))
    for scene in scenes:
        await shown(trial, scene)


async def once(trial: Trial, scene: Scene) -> None:
    """Checks that the part did once what the scene calls for."""
    found = await effects(trial, scene)
    trial.expect(
        found == 1, f"{EFFECT[trial.kit.settings.part]}, once", f"{found} times: {trial.heard_lines()}"
    )


async def _quietly(
    trial: Trial, method: str, path: str, scope: str, body: Any, **query: Any
) -> httpx.Response:
    """Asks again and again: the report has the last time only."""
    with trial.last_only():
        return await trial.ask(method, path, scope, body, **query)


EFFECT: Final = {
    "referral": "the state shows the meeting",
    "booking": "the referral is answered by a meeting or a reason",
    "casework": "the meeting's link worker is the case's",
    "directory": "the prescription has a link",
    "notifications": "the person is told of the meeting by a text",
    "evaluation": "the referral is counted",
}
