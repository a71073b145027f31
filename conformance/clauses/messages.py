"""Notifications and evaluation: what is sent, and what is counted."""

import asyncio
from datetime import timedelta

from conformance import roles
from conformance.clause import Broken, clause
from conformance.events import Event
from conformance.trial import Trial, now
from conformance.vectors import of_one_referral, placed, without_partners

NOTIFICATIONS = frozenset({"notifications"})
EVALUATION = frozenset({"evaluation"})
_FILES = ("counting", "meetings", "retraction", "endings", "creation")
_NEVER_COUNTED = {("withdrawn", "made_in_error"), ("declined", "duplicate")}


@clause("NOTE-1", "A move of a meeting is one message", parts=NOTIFICATIONS, limit=90)
async def move(trial: Trial) -> None:
    """Tells a person of a meeting, then replaces it by another."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.say(*_move(trial, scene))
    await trial.until("a second text", lambda: len(_texts(trial, scene)) >= 2 or None)
    await trial.rest()
    found = _texts(trial, scene)
    trial.expect(len(found) == 2, "two texts: of the meeting, and of its move", _lines(found))


def _move(trial: Trial, scene: roles.Scene) -> tuple[Event, Event]:
    """The cancellation of a scene's meeting, and one three days later in its place."""
    first = scene.events[1].data["meeting_id"]
    why = {"meeting_id": first, "by": "person", "why": "another_time"}
    cancelled = trial.event("booking", "meeting_cancelled", scene.referral, **why)
    return cancelled, trial.booking("booking", scene.referral, 1, days=12, replaces=first)


def _texts(trial: Trial, scene: roles.Scene) -> list[str]:
    """The texts to a scene's person."""
    return [str(each.get("body")) for each in trial.kit.world.texts if each.get("to") == scene.by]


def _lines(texts: list[str]) -> str:
    return f"{len(texts)} texts: {texts}"


@clause("ERASE-3/messages", "An erased person is sent nothing more", parts=NOTIFICATIONS)
async def erased(trial: Trial) -> None:
    """Tells a person of a meeting, erases them, and moves the meeting; another person's behind it."""
    scene, plain = await roles.make(trial), await roles.make(trial)
    await roles.play(trial, [scene])
    trial.kit.world.people[scene.referral] = None
    ref = scene.events[0].data["person_ref"]
    await trial.tell("referral", "person_erased", scene.referral, person_ref=ref)
    await trial.say(*_move(trial, scene))
    await roles.play(trial, [plain])
    await trial.rest()
    found = _texts(trial, scene)
    trial.expect(len(found) == 1, "no text after the first, of the meeting", _lines(found))


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
        found = _texts(trial, each)
        trial.expect(not found, f"no text to the person of {each.referral}", _lines(found))


@clause("NOTE-9", "News older than 24 hours is not sent", parts=NOTIFICATIONS)
async def old_news(trial: Trial) -> None:
    """Says a meeting that was booked two days ago, and one of now."""
    old, new = await roles.make(trial), await roles.make(trial)
    then = now() - timedelta(days=2)
    await trial.say(*(type(e)(e.id, e.source, e.event, e.data, then, then) for e in old.events))
    await roles.play(trial, [new])
    await trial.rest()
    found = _texts(trial, old)
    trial.expect(not found, f"no text to the person of {old.referral}", _lines(found))


@clause("EVAL-1", "A retraction takes away what was counted", parts=EVALUATION)
async def retraction(trial: Trial) -> None:
    """Counts a referral, then retracts its creation."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    created = scene.events[0]
    named = {"event_source": created.source, "event_id": created.id, "reason": "entered_in_error"}
    await trial.tell("referral", "retracted", scene.referral, **named)
    await _counts(trial, scene, 0)


@clause("EVAL-3", "A referral made in error counts nowhere", parts=EVALUATION)
async def in_error(trial: Trial) -> None:
    """Counts a referral, then withdraws it as made in error."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.tell("referral", "referral_withdrawn", scene.referral, by="practice", reason="made_in_error")
    await _counts(trial, scene, 0)


@clause("ERASE-4/figures", "An erasure takes nothing from the figures", parts=EVALUATION)
async def stays(trial: Trial) -> None:
    """Counts a referral, erases its person, and counts another one."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    ref = scene.events[0].data["person_ref"]
    await trial.tell("referral", "person_erased", scene.referral, person_ref=ref)
    await trial.say(trial.creation())
    await _counts(trial, scene, 2)
    await trial.rest()
    await _counts(trial, scene, 2)


@clause("F10/figures", "What is counted follows from the whole set, as the vectors show", parts=EVALUATION)
async def fold(trial: Trial) -> None:
    """Says the facts of the vectors in random order, and counts the referrals."""
    scene, said, wanted, nowhere = await roles.make(trial), list[Event](), 0, list[str]()
    for vector in filter(of_one_referral, without_partners(_FILES)):
        events, state = placed(trial, vector)
        endings = {(each["kind"], each["reason"]) for each in state["endings"]["endings"]}
        if state["creation"] is not None and not endings & _NEVER_COUNTED:
            wanted += 1
        else:
            nowhere.append(vector["name"])
        said += events
    trial.rng.shuffle(said)
    await trial.say_any(*said)
    await _counts(trial, scene, wanted, f" ({', '.join(nowhere)} count nowhere)")


async def _counts(trial: Trial, scene: roles.Scene, wanted: int, why: str = "") -> None:
    """Waits until as many referrals are counted as `wanted`, beside those of before the scene."""
    limit = trial.clause.limit * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while (found := await roles.effects(trial, scene)) != wanted:
        if asyncio.get_running_loop().time() > end:
            expected = f"{wanted} referrals more than before within {limit:.0f} s{why}"
            raise Broken(expected, f"{found} more")
        await trial.kit.bus.changes(0.3)
