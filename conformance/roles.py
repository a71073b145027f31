"""Scenes: facts that call for something of a part, and how that something is seen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from conformance.answers import document
from conformance.clause import NOTHING, Broken, NotTried
from conformance.events import Event
from conformance.trial import HALF_DAYS, Trial, now
from conformance.world import SERVICE

# Our casework runs beside our booking, which would book before it hears of the kit's meeting.
BOOKED_BY_NOBODY: Final[Mapping[str, Any]] = {"cannot_come": HALF_DAYS}
CASES: Final = "/api/matching/v1/case-link-workers"
_LOOKS_EVERY: Final = 0.3


@dataclass
class Scene:
    """One referral, and the facts about it by the other parts, which are not said yet."""

    referral: str
    events: list[Event]
    # The thing that effects are counted by: a telephone number, a prescription, a figure before.
    by: Any = None

    def effect(self, trial: Trial) -> str:
        """The thing that the scene calls for, in words."""
        named = f", {self.by}" if trial.kit.settings.part in ("casework", "directory") else ""
        return f"{EFFECT[trial.kit.settings.part]}{named}, of {self.referral}"


async def make(trial: Trial, at: datetime | None = None, **traits: Any) -> Scene:
    """A scene for the part that is tried."""
    part = trial.kit.settings.part
    if part == "referral":
        made = await trial.hand("refer")
        referral = str(made["referral_id"])
        trial.referrals[referral] = trial.locality
        await trial.first(referral, "referral_created")
        return Scene(referral, [trial.booking("booking", referral)])
    if part == "casework":
        traits = {**BOOKED_BY_NOBODY, **traits}
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
        answer = await asked(trial, scene)
        return int(answer.is_success and document(answer)["link_workers"].get(scene.referral) == scene.by)
    if part == "directory":
        return int((await asked(trial, scene)).is_success)
    if part == "notifications":
        return sum(each.get("to") == scene.by for each in trial.kit.world.texts)
    if part == "referral":
        found = await trial.look("state", referral_id=scene.referral)
        return int(found.get("stage") == "booked")
    return int((await trial.look("figures"))["referrals"]) - int(scene.by)


async def asked(trial: Trial, scene: Scene) -> httpx.Response:
    """Asks casework whose the case is, or directory for the prescription's link.

    The report has the last time only.
    """
    with trial.last_only():
        if trial.kit.settings.part == "casework":
            body = {"locality": trial.locality, "referrals": [scene.referral]}
            return await trial.ask("POST", CASES, "contacts:read", body)
        path = f"/api/matching/v1/prescriptions/{scene.by}/link"
        return await trial.ask("POST", path, "links:write", locality=trial.locality)


async def attend(trial: Trial) -> Event:
    """Says a meeting of an hour ago, and records at the part that the person came. Gives the part's fact."""
    created = trial.creation(**BOOKED_BY_NOBODY)
    starts = (now() - timedelta(hours=1)).replace(microsecond=0)
    booked = trial.booking("booking", created.referral, starts_at=starts.isoformat().replace("+00:00", "Z"))
    await play(trial, [Scene(created.referral, [created, booked], booked.data["link_worker"])])
    meeting = booked.data["meeting_id"]
    await trial.hand("attended", referral_id=created.referral, meeting_id=meeting)
    return await trial.first(created.referral, "meeting_attended")


async def reply(trial: Trial) -> Event:
    """A service of a plan says yes on a former owner's link. Gives the part's fact."""
    scene = await make(trial)
    await play(trial, [scene])
    path = f"/api/contract/v1/directory/prescriptions/{scene.by}/answer"
    body = {"locality": trial.locality, "service": SERVICE, "reply": "accepted"}
    answer = await trial.ask("POST", path, "links:write", body, key=trial.new_id())
    trial.expect(answer.is_success, "200", f"{answer.status_code} {answer.text}")
    return await trial.first(scene.referral, "provider_replied")


async def speak(trial: Trial) -> None:
    """Has the part say something."""
    part = trial.kit.settings.part
    if part == "casework":
        await attend(trial)
    elif part == "directory":
        await reply(trial)
    else:
        await play(trial, [await make(trial)])


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
                f"{scene.effect(trial)}{times} within {limit:.0f} s",
                _last(trial, found),
            )
        await trial.kit.bus.changes(_LOOKS_EVERY)


def _last(trial: Trial, found: int) -> str:
    """The part's facts, or else its last answer: what came in place of an effect."""
    if trial.kit.settings.part == "booking":
        return trial.heard_lines() or NOTHING
    answer = f"; the last answer was {trial.came[-1]}" if trial.came else ""
    return f"{found} times{answer}"


async def play(trial: Trial, scenes: Sequence[Scene]) -> None:
    """Says everything of these scenes and waits for each effect."""
    await trial.say(*(event for scene in scenes for event in scene.events))
    for scene in scenes:
        await shown(trial, scene)


async def once(trial: Trial, scene: Scene) -> None:
    """Checks that the part did once what the scene calls for."""
    found = await effects(trial, scene)
    trial.expect(found == 1, f"{scene.effect(trial)}, once", f"{found} times: {trial.heard_lines()}")


EFFECT: Final = {
    "referral": "the state shows the meeting",
    "booking": "the referral is answered by a meeting or a reason",
    "casework": "casework names the meeting's link worker",
    "directory": "there is a link of the prescription",
    "notifications": "the person is told of the meeting by a text",
    "evaluation": "the referral is counted",
}
