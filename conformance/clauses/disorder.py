"""Clauses for all parts: repeats, disorder, aborted transactions, wrong clocks, two localities."""

import asyncio
from datetime import timedelta

from conformance import roles
from conformance.clause import EVERY, NotTried, clause
from conformance.trial import Trial, now


@clause("ALL-1", "Order and repetition change nothing, across topics")
async def disorder(trial: Trial) -> None:
    """Says the facts of four referrals three times each, all in one random order."""
    scenes = [await roles.make(trial) for _ in range(4)]
    events = [event for scene in scenes for event in scene.events] * 3
    trial.rng.shuffle(events)
    await trial.say(*events)
    for scene in scenes:
        await roles.shown(trial, scene)
    await trial.rest()
    if trial.kit.settings.part == "evaluation":
        found = await roles.effects(trial, scenes[0])
        trial.expect(found == len(scenes), f"{len(scenes)} referrals counted", found)
        return
    for scene in scenes:
        await roles.once(trial, scene)


@clause("ALL-3", "A repeat makes the part say and send nothing")
async def repeat(trial: Trial) -> None:
    """Waits for what a referral calls for, then says each of its facts three times again."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.rest()
    await roles.once(trial, scene)
    for _ in range(3):
        await trial.say(*scene.events)
    await trial.rest()
    await roles.once(trial, scene)


@clause("ALL-4", "Facts that come before their creation are kept", parts=EVERY - {"referral"})
async def before_creation(trial: Trial) -> None:
    """Says what follows two creations first, a withdrawal of one among it, and the creations later."""
    scene = await roles.make(trial)
    created, *others = scene.events
    reached = trial.event("casework", "contact_attempted", scene.referral, channel="phone", reached=True)
    gone = await roles.make(trial)
    await trial.tell("referral", "referral_withdrawn", gone.referral, by="practice", reason="person_asked")
    await trial.say(reached, *others)
    await trial.rest()
    await trial.say(created, gone.events[0])
    await roles.shown(trial, scene)
    await trial.rest()
    booked = trial.said(gone.referral, "meeting_booked")
    trial.expect(
        not booked, "no meeting of a referral that was withdrawn", "; ".join(e.line() for e in booked)
    )


@clause("ALL-1/aborted", "What an aborted transaction holds was never said")
async def aborted(trial: Trial) -> None:
    """Says a referral's facts in a transaction that is aborted, then another's in one that is committed."""
    never, said = await roles.make(trial), await roles.make(trial)
    await trial.kit.bus.say_in_transaction(never.events, commits=False)
    trial.sent += [f"aborted: {each.line()}" for each in never.events]
    await trial.kit.bus.say_in_transaction(said.events, commits=True)
    trial.sent += [f"committed: {each.line()}" for each in said.events]
    await roles.shown(trial, said)
    if trial.kit.settings.part == "evaluation":
        await trial.rest()
        await roles.once(trial, said)
        return
    await trial.rest()
    found = await roles.effects(trial, never)
    trial.expect(found == 0, "nothing follows from an aborted transaction", trial.heard_lines())


@clause("F2/clocks", "A clock that is an hour wrong decides nothing")
async def clocks(trial: Trial) -> None:
    """Says one referral's facts with clocks an hour ahead, and another's with clocks 58 minutes behind."""
    if trial.kit.settings.part == "referral":
        scene = await roles.make(trial)
        scene.events = [trial.booking("booking", scene.referral, at=now() + timedelta(hours=1))]
        await roles.play(trial, [scene])
        return
    ahead = await roles.make(trial, at=now() + timedelta(hours=1))
    await roles.play(trial, [ahead])
    behind = await roles.make(trial, at=now() - timedelta(minutes=58))
    await roles.play(trial, [behind])


@clause("F1/another-body", "Of two bodies under one key the first stands", parts={"booking", "notifications"})
async def another_body(trial: Trial) -> None:
    """Says a creation, waits, and says another body under the same id and source."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    created = scene.events[0]
    changed = type(created)(
        created.id,
        created.source,
        created.event,
        {**created.data, "cannot_come": ["mon_am", "tue_am", "wed_am"], "language": "cy"},
        created.time,
        created.recorded,
    )
    await trial.say(changed)
    await trial.rest()
    await roles.once(trial, scene)
    fresh = await roles.make(trial)
    await roles.play(trial, [fresh])


@clause("ALL-1/two-localities", "Two localities are served side by side, and neither hears of the other")
async def two_localities(trial: Trial) -> None:
    """Plays a referral in each of two localities at once, each in its own topics."""
    settings = trial.kit.settings
    if not settings.other_locality:
        raise NotTried("The part serves one locality: give --other-locality.")
    here = await roles.make(trial)
    await trial.say(*here.events)
    trial.locality = settings.other_locality
    there = await roles.make(trial)
    await roles.play(trial, [there])
    trial.locality = settings.locality
    await roles.shown(trial, here)
    await asyncio.sleep(0)
    for slug, scene in ((settings.locality, here), (settings.other_locality, there)):
        strays = [each for each in trial.kit.bus.heard[scene.referral] if each.data.get("locality") != slug]
        lines = "; ".join(each.line() for each in strays)
        trial.expect(not strays, f"everything about {scene.referral} is said in {slug}", lines)
