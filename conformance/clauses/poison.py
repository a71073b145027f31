"""Clauses for all parts: records that nobody can read, and what a later state of the contract may bring."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance import roles
from conformance.clause import clause
from conformance.contract import EVENTS, examples
from conformance.events import Event, Headers, partition_of, with_header
from conformance.trial import Trial, now

_POISONS = 20


def _poisons(trial: Trial) -> list[tuple[str, bytes | None, bytes | None, Headers]]:
    """Twenty records, each wrong in another way: name, key, value, headers."""
    event = trial.creation(trial.new_id())
    trial.referrals.pop(event.referral)
    key, value, good = event.referral.encode(), event.value(), event.headers()

    def header(name: str, to: str | bytes) -> Headers:
        return with_header(good, name, to)

    def body(**changes: Any) -> bytes:
        return json.dumps({**event.data, **changes}).encode()

    return [
        ("no body", key, None, good),
        ("empty body", key, b"", good),
        ("no JSON", key, b"{", good),
        ("a list", key, b"[]", good),
        ("a byte order mark", key, b"\xef\xbb\xbf" + value, good),
        ("not UTF-8", key, b"\xff\xfe\xfd", good),
        ("deep", key, b"[" * 5000, good),
        ("a number of many digits", key, b'{"referral_id":' + b"9" * 6000 + b"}", good),
        ("no headers", key, value, []),
        ("a binary header", key, value, header("ce_id", b"\xff\x00\xfe")),
        ("a header twice", key, value, [*good, ("ce_id", b"another")]),
        ("an unknown type", key, value, header("ce_type", "org.example.else.v1")),
        ("an id that is none", key, value, header("ce_id", "one")),
        ("another locality's source", key, value, header("ce_source", "/elsewhere/referral")),
        ("no time", key, value, header("ce_time", "yesterday")),
        ("no key", None, value, good),
        ("another key", trial.new_id().encode(), value, good),
        ("a body of another locality", key, body(locality="elsewhere"), good),
        ("a missing field", key, json.dumps({"referral_id": event.referral}).encode(), good),
        ("a field of another type", key, body(needs="befriending", minutes={}), good),
    ]


@clause("R2/poison", "Twenty poisons in every topic stop nothing")
async def poison(trial: Trial) -> None:
    """Puts twenty unreadable records into each topic, and good ones into the same partitions behind them."""
    scenes = [await roles.make(trial) for _ in range(6)]
    for name, key, value, headers in _poisons(trial):
        places = []
        for event in EVENTS:
            topic = f"{trial.locality}.{event}.v1"
            partition = trial.rng.randrange(trial.kit.bus.partitions.get(topic, 1))
            await trial.kit.bus.say_raw(topic, key, value, headers, partition)
            places.append(f"{topic} {partition}")
        trial.sent.append(f"poison: {name}, in {', '.join(places)}")
    for good in (each for scene in scenes for each in scene.events):
        partition = partition_of(good.referral.encode(), trial.kit.bus.partitions.get(good.topic, 1))
        await trial.kit.bus.say_raw(good.topic, b"\xff", b"\xff", [("ce_id", b"\xff")], partition)
    await roles.play(trial, scenes)


# After these a referral calls for no meeting.
_ENDS = ("referral_closed", "referral_declined", "referral_returned", "referral_withdrawn", "person_erased")


@clause("ALL-1/kinds", "Every kind of fact is read, and stops nothing")
async def kinds(trial: Trial) -> None:
    """Says an example of each kind, each of a referral of its own, and good ones before and behind them."""
    before, scenes = await roles.make(trial), []
    said = [*before.events]
    for example in examples():
        created = trial.creation()
        if trial.kit.settings.part == "referral":
            created = replace(created, source=f"/{trial.locality}/history")
        outcome = _said_here(trial, example, created)
        said += [created, outcome]
        scenes.append((outcome.kind, created.referral))
    behind = await roles.make(trial)
    await trial.say(*said, *behind.events)
    for scene in (before, behind):
        await roles.shown(trial, scene)
    if trial.kit.settings.part != "booking":
        return
    for kind, referral in scenes:
        if kind not in (*_ENDS, "meeting_waiting"):
            await trial.until(
                f"a meeting or a reason for {referral}, with {kind}", partial(_answered, trial, referral)
            )
    for kind, referral in scenes:
        if kind in _ENDS:
            await trial.until(
                f"no meeting of {referral} after {kind}", partial(_stands_none, trial, referral)
            )
    await trial.rest()
    for kind, referral in scenes:
        booked = trial.said(referral, "meeting_booked")
        one = kind == "link_worker_changed" or len(booked) <= 1
        trial.expect(one, f"one meeting at most after {kind}", _lines(booked))
        none = kind not in _ENDS or _stands_none(trial, referral)
        trial.expect(none, f"no meeting after {kind}", _lines(booked))


def _lines(events: list[Event]) -> str:
    return "; ".join(each.line() for each in events)


def _answered(trial: Trial, referral: str) -> bool:
    return bool(trial.said(referral))


def _stands_none(trial: Trial, referral: str) -> bool:
    return trial.state(referral).active is None


def _said_here(trial: Trial, example: Mapping[str, Any], created: Event) -> Event:
    """The event of an example, in the trial's locality and about a referral of the trial."""
    text = json.dumps(example["data"]).replace("/meir/", f"/{trial.locality}/")
    data = json.loads(text) | {"locality": trial.locality, "referral_id": created.referral}
    for name, value in (
        ("link_worker", f"lw-{trial.locality}-901"),
        ("person_ref", created.data["person_ref"]),
    ):
        data |= {name: value} if name in data else {}
    source, moment = str(example["source"]).replace("/meir/", f"/{trial.locality}/"), now()
    return Event(trial.new_id(), source, "outcome-recorded", data, moment, moment)


@clause("F3", "Fields, codes, kinds and headers that the part does not know change nothing")
async def unknown(trial: Trial) -> None:
    """Says an outcome of a kind to come, and facts with a field, a header and a code to come."""
    scene = await roles.make(trial)
    coming = trial.event("casework", "weather_noted", scene.referral, wind={"from": "north"})
    if trial.kit.settings.part == "referral":
        await trial.say(coming)
        await roles.play(trial, [scene])
        return
    created, *others = scene.events
    later = Event(
        created.id,
        created.source,
        created.event,
        {**created.data, "needs": ["befriending", "need_to_come"], "field_to_come": {"a": [1]}},
        created.time,
        created.recorded,
    )
    await trial.say(coming)
    topic, key = later.topic, later.referral.encode()
    headers = [*later.headers(), ("ce_tocome", b"x"), ("to-come", b"\xff")]
    partition = partition_of(key, trial.kit.bus.partitions.get(topic, trial.kit.settings.partitions))
    await trial.kit.bus.say_raw(topic, key, later.value(), headers, partition)
    trial.sent.append(f"with a field, a code and headers to come: {later.line()}")
    await trial.say(*others)
    await roles.shown(trial, scene)


@clause(
    "F3/later-version",
    "A record of a later version is no fact, and stops nothing",
)
async def later_version(trial: Trial) -> None:
    """Puts facts of version 2 into the topics of version 1, and good ones of another referral behind them."""
    never, scene = await roles.make(trial), await roles.make(trial)
    for event in never.events:
        topic, key = event.topic, event.referral.encode()
        headers = with_header(event.headers(), "ce_type", f"org.linkwork.{event.event}.v2")
        partition = partition_of(key, trial.kit.bus.partitions.get(topic, trial.kit.settings.partitions))
        await trial.kit.bus.say_raw(topic, key, event.value(), headers, partition)
        trial.sent.append(f"as version 2: {event.line()}")
    await roles.play(trial, [scene])
    await trial.rest()
    if trial.kit.settings.part == "evaluation":
        await roles.once(trial, scene)
        return
    found = await roles.effects(trial, never)
    trial.expect(found == 0, "nothing follows from a later version", trial.heard_lines())
