"""Clauses for all parts: killed under load, and started anew on a full log."""

import asyncio
from datetime import timedelta

from conformance import roles
from conformance.clause import EVERY, NotTried, clause
from conformance.trial import Trial, now

_LOAD = 30
_EVERY = 0.1
# The age of what stands on the log: BOOK-17 is about facts over an hour old, NOTE-9 about a day.
_AGO = {"booking": timedelta(hours=2), "notifications": timedelta(days=2)}
# BOOK-17: facts of a log are answered after 20 s.
_LOG_IS_READ = 22


@clause("ALL-3/kill", "kill -9 under load loses nothing and doubles nothing", alone=True)
async def kill(trial: Trial) -> None:
    """Says thirty referrals in three seconds, kills the part in their midst, and starts it again."""
    part = trial.kit.part
    if not part.governed:
        raise NotTried("The kit cannot kill the part: give --start.")
    scenes = [await roles.make(trial) for _ in range(_LOAD)]
    for number, scene in enumerate(scenes):
        await trial.say(*scene.events)
        await asyncio.sleep(_EVERY)
        if number == _LOAD // 2:
            await part.kill()
            trial.sent.append("kill -9, and further referrals")
    await part.start()
    trial.sent.append("started again")
    await trial.kit.roster_changed()
    for scene in scenes:
        await roles.shown(trial, scene)
    await trial.rest()
    if trial.kit.settings.part == "evaluation":
        found = await roles.effects(trial, scenes[0])
        trial.expect(found == _LOAD, f"{_LOAD} referrals counted", found)
        return
    for scene in scenes:
        await roles.once(trial, scene)
        twice = [each for each in trial.said(scene.referral) if each.kind == "referral_created"][1:]
        trial.expect(not twice, "one creation", "; ".join(each.line() for each in twice))


@clause(
    "ALL-3/full-log",
    "Started without memory on a full log, the part says and tells nothing anew",
    parts=EVERY - {"referral"},
    alone=True,
    limit=90,
)
async def full_log(trial: Trial) -> None:
    """Says what happened a while ago, stops the part, deletes what it keeps, and starts it on the log."""
    part, tried = trial.kit.part, trial.kit.settings.part
    if not part.governed:
        raise NotTried("The kit cannot restart the part: give --start.")
    then = now() - _AGO.get(tried, timedelta(0))
    scenes = [await roles.make(trial, at=then) for _ in range(10)]
    if tried == "notifications":
        await trial.say(*(event for scene in scenes for event in scene.events))
    else:
        await roles.play(trial, scenes)
    await trial.rest()
    before = {each.referral: {event.id for event in trial.said(each.referral)} for each in scenes}
    counted = [await roles.effects(trial, each) for each in scenes]
    await part.kill()
    if not await part.wipe():
        await part.start()
        raise NotTried("The kit cannot delete what the part keeps: give --wipe.")
    await part.start()
    trial.sent.append("stopped, deleted, and started again")
    await trial.kit.roster_changed()
    if tried in ("casework", "directory", "evaluation"):
        for scene, count in zip(scenes, counted, strict=True):
            await roles.shown(trial, scene, count=count)
        return
    fresh = await roles.make(trial)
    await roles.play(trial, [fresh])
    if tried == "booking":
        await trial.pause(_LOG_IS_READ)
    await trial.rest()
    anew = [
        each for referral, known in before.items() for each in trial.said(referral) if each.id not in known
    ]
    trial.expect(
        not anew, "nothing about referrals that were answered", "; ".join(each.line() for each in anew[:5])
    )
    for scene, before_it in zip(scenes, counted, strict=True):
        found = await roles.effects(trial, scene)
        times = f"{before_it} times, as before the restart"
        trial.expect(found == before_it, f"{scene.effect(trial)}, {times}", f"{found} times")
