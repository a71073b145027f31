"""A process recognises its own events when they come back, and parses all others."""

from dataclasses import dataclass, replace
from typing import Any, cast

from shared.contract.events.topics import topic
from shared.delivery.consumer.own_events import OwnEventCache
from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.outbox.rows import Message
from shared.platform import metrics
from tests.harness.delivery.broker import LOCALITY
from tests.harness.delivery.toy import NOW, TOY, Bench, created, said
from tests.harness.delivery.world import Tally, World


@dataclass(frozen=True)
class Came:
    """A record as a consumer gives it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    partition: int = 0
    offset: int = 0


def of(message: Message) -> Came:
    headers = tuple((name, value.encode()) for name, value in message.headers.items())
    return Came(message.topic, message.key, message.value, headers)


def test_own_event_is_recognised_once() -> None:
    message = Message.of(said(created("meir")))
    came = of(message)
    echoes = OwnEventCache()
    assert not echoes.pop(came)
    echoes.remember([message])
    others = [
        replace(came, value=came.value + b" " if came.value else None),
        replace(came, value=None),
        replace(came, key=None),
        replace(came, key=b"another"),
        replace(came, topic="meir.meeting-booked.v1"),
        replace(came, headers=tuple((n, b"/leek/x" if n == "ce_source" else v) for n, v in came.headers)),
        replace(came, headers=tuple((n, v) for n, v in came.headers if n != "ce_source")),
        replace(came, headers=tuple((n, b"\xff" if n == "ce_id" else v) for n, v in came.headers)),
        replace(came, headers=()),
    ]
    assert [echoes.pop(other) for other in others] == [False] * len(others)
    assert echoes.pop(came)
    assert not echoes.pop(came), "it may be read the long way then"


def test_own_events_beyond_limit_are_forgotten() -> None:
    messages = [Message.of(said(created("meir"))) for _ in range(5)]
    echoes = OwnEventCache(max_events=3)
    echoes.remember(messages)
    assert [echoes.pop(of(message)) for message in messages] == [False, False, True, True, True]


def test_own_event_without_commit_is_not_remembered() -> None:
    world = World(replace(cast("ServiceDefinition[Any, Any]", TOY), repository=Tally()), NOW)
    event = said(created(LOCALITY))
    world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())
    for each in world.processes:
        each.opened()
        each.poll(1)
    process = next(each for each in world.processes if "batch" in each.tasks)
    for outcome in ("fails", "goes on"):
        while process.tickets["batch"].name != "commit":
            process.step("batch", "goes on")
        assert not process.own_events._events
        process.step("batch", outcome)
    assert len(process.own_events._events) == 1
    world.close()


async def test_consumer_does_not_parse_own_events(place: Bench) -> None:
    event = said(created(place.locality))

    def repeats() -> float:
        labels = ("matching", "meeting-booked", place.locality, "duplicate")
        return float(metrics.events_consumed.labels(*labels)._value.get())

    async with place.kernel().running() as kernel:
        await place.say(event)
        await place.heard(topic(place.locality, "meeting-booked"), 1)
        stored = await kernel.stored(place.locality, event.body.referral_id)
        assert stored is not None
        assert len(stored["facts"]) > 1
        for _ in range(100):
            if repeats():
                break
            await place.heard(topic(place.locality, "meeting-booked"), 0, seconds=0.1)
        assert repeats() == 1
        assert (await kernel.stored(place.locality, event.body.referral_id) or {})["v"] == stored["v"]
