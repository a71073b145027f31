"""Notifications and evaluation: what is sent, and what is counted."""

from datetime import timedelta

from conformance import roles
from conformance.clause import clause
from conformance.trial import Trial, now

NOTIFICATIONS = frozenset({"notifications"})
EVALUATION = frozenset({"evaluation"})


@clause("NOTE-1", "A move of a meeting is one message", parts=NOTIFICATIONS, limit=90)
async def move(trial: Trial) -> None:
    """Tells a person of a meeting, then replaces it by another."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    first = scene.events[1]
    moved = trial.booking("booking", scene.referral, 1, days=12, replaces=first.data["meeting_id"])
    cancelled = trial.event(
        "booking",
        "meeting_cancelled",
        scene.referral,
        meeting_id=first.data["meeting_id"],
        by="person",
        why="another_time",
    )
    await trial.say(cancelled, moved)

    def told() -> bool | None:
        return sum(each.get("to") == scene.by for each in trial.kit.world.texts) >= 2 or None

    await trial.until("a second text", told)
    await trial.rest()
    found = await roles.effects(trial, scene)
    trial.expect(found == 2, "two texts: the meeting, and its move", found)


@clause("NOTE-7", "Nothing is written to a person without a plain yes", parts=NOTIFICATIONS)
async def ring(trial: Trial) -> None:
    """Books people of whom creation, vault or an erasure say no, and one who may be written to."""
    by_fold = await roles.make(trial, contact="ring")
    by_vault = await roles.make(trial)
    person = trial.kit.world.people[by_vault.referral]
    if person is not None:
        person["safe_to_text"] = "ring"
    erased = await roles.make(trial)
    created, booked = erased.events
    ref = created.data["person_ref"]
    trial.kit.world.people[erased.referral] = None
    plain = await roles.make(trial)
    await trial.say(*by_fold.events, *by_vault.events, created)
    await trial.tell("referral", "person_erased", erased.referral, person_ref=ref)
    await trial.say(booked)
    await roles.play(trial, [plain])
    await trial.rest()
    for each in (by_fold, by_vault, erased):
        found = await roles.effects(trial, each)
        trial.expect(found == 0, "no text", f"{found} texts")


@clause("NOTE-9", "News older than 24 hours is not sent", parts=NOTIFICATIONS)
async def old_news(trial: Trial) -> None:
    """Says a meeting that was booked two days ago, and one of now."""
    old, new = await roles.make(trial), await roles.make(trial)
    then = now() - timedelta(days=2)
    await trial.say(*(type(e)(e.id, e.source, e.event, e.data, then, then) for e in old.events))
    await roles.play(trial, [new])
    await trial.rest()
    found = await roles.effects(trial, old)
    trial.expect(found == 0, "no text", f"{found} texts")


@clause("EVAL-1", "A retraction takes away what was counted", parts=EVALUATION)
async def retraction(trial: Trial) -> None:
    """Counts a referral, then retracts its creation."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    created = scene.events[0]
    named = {"event_source": created.source, "event_id": created.id, "reason": "entered_in_error"}
    await trial.tell("referral", "retracted", scene.referral, **named)
    await _back(trial, scene)


@clause("EVAL-3", "A referral made in error counts nowhere", parts=EVALUATION)
async def in_error(trial: Trial) -> None:
    """Counts a referral, then withdraws it as made in error."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.tell("referral", "referral_withdrawn", scene.referral, by="practice", reason="made_in_error")
    await _back(trial, scene)


async def _back(trial: Trial, scene: roles.Scene) -> None:
    """Waits until the scene counts nothing."""
    for _ in range(200):
        if await roles.effects(trial, scene) == 0:
            return
        await trial.kit.bus.changes(0.3)
    trial.expect(False, "the count as before", await roles.effects(trial, scene))
