"""Records that must not stop, double or lose their neighbours. Each was seen to do so somewhere."""

import asyncio
import json
import logging
from collections import Counter
from dataclasses import replace

import pytest

from shared.contract.events.envelope import Envelope
from shared.contract.events.topics import topic
from shared.contract.events.vocabulary import Need
from shared.contract.history import ReferralHistory
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext
from shared.delivery.outbox.rows import Message
from tests.harness.delivery.toy import TOY, Bench, book, created, said

Header = tuple[str, bytes | None]


async def send(
    place: Bench,
    event: Envelope,
    value: bytes | None = None,
    key: bytes | None = None,
    headers: dict[str, bytes | None] | None = None,
) -> None:
    """Sends a record like this event's but for what is given."""
    changed: dict[str, bytes | None] = dict(event.headers())
    changed.update(headers or {})
    await place.producer.send_and_wait(
        event.topic(),
        event.raw if value is None else value,
        key=key or event.body.referral_id.encode(),
        headers=list(changed.items()),
    )


async def test_poison_is_dead_lettered_and_neighbours_are_handled(place: Bench) -> None:
    good = [said(created(place.locality)) for _ in range(12)]
    bad = said(created(place.locality))
    other = json.loads(bad.raw) | {"locality": "elsewhere"}
    incomplete = {k: v for k, v in json.loads(bad.raw).items() if k != "risk"}
    later = b"org.linkwork.referral-created.v2"
    poison: list[tuple[str, dict[str, object]]] = [
        ("bad_json", {"value": b"{not json"}),
        ("empty_body", {"value": b""}),
        ("invalid_body", {"value": json.dumps(incomplete).encode()}),
        ("wrong_locality", {"value": json.dumps(other).encode()}),
        ("wrong_key", {"key": b"not-the-referral"}),
        ("bad_header", {"headers": {"ce_id": b"\xff\xfe"}}),
        ("bad_header", {"headers": {"ce_time": None}}),
        ("unknown_type", {"headers": {"ce_type": b"org.example.other.v1"}}),
        ("later_version", {"headers": {"ce_type": later}}),
        ("too_large", {"value": b'"' + b"x" * 900_000 + b'"'}),
        ("wrong_source", {"headers": {"ce_source": b"/elsewhere/referral"}}),
        ("not_cloudevents", {"headers": {"ce_specversion": b"0.3"}}),
    ]
    for event, (_, change) in zip(good, poison, strict=True):
        await place.say(event)
        await send(place, bad, **change)  # type: ignore[arg-type]
    async with place.kernel().running() as kernel:
        for event in good:
            view = await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 15
            )
            assert view is not None, "a neighbour of poison was not handled"
        letters = await place.dead_letters(len(poison))
    reasons = sorted(dict(letter.headers)["dlq-reason"].decode() for letter in letters)
    assert reasons == sorted(reason for reason, _ in poison)
    assert await kernel_facts(place, bad) == 0


async def kernel_facts(place: Bench, event: Envelope) -> int:
    kernel = place.kernel()
    try:
        return len(await kernel.facts(place.locality, event.body.referral_id))
    finally:
        await kernel.mongo.close()


async def test_binary_or_null_header_is_harmless(place: Bench) -> None:
    event = said(created(place.locality))
    await send(place, event, headers={"x-binary": b"\x80\x81", "x-null": None, "reply_to": b"\xff"})
    async with place.kernel().running() as kernel:
        view = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None


async def test_reply_to_header_publishes_nothing(place: Bench) -> None:
    event, target = said(created(place.locality)), topic(place.locality, "outcome-recorded")
    await send(place, event, headers={"reply_to": target.encode(), "correlation_id": b"x"})
    async with place.kernel().running() as kernel:
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        records = await place.heard(target, 1, seconds=2)
    assert [dict(r.headers)["ce_type"] for r in records] == [b"org.linkwork.outcome-recorded.v1"]


async def test_dead_letter_holds_whole_record_and_quotes_nothing(
    place: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    identity = "9990000018"
    event = said(created(place.locality))
    body = json.loads(event.raw) | {"person_ref": identity}
    await send(place, event, value=json.dumps(body).encode(), headers={"x-note": b"\xffkept"})
    async with place.kernel().running():
        letters = await place.dead_letters(1)
    assert len(letters) == 1
    headers = {name: value.decode() for name, value in letters[0].headers}
    assert headers["dlq-reason"] == "invalid_body"
    assert headers["dlq-error-class"] == "person_ref string_pattern_mismatch"
    assert identity.encode() not in letters[0].value
    assert identity not in str(headers)
    assert not any(identity in record.getMessage() for record in caplog.records)
    message = Message(letters[0].topic, letters[0].key, letters[0].value, headers)
    opened = DeadLetters("matching", place.options.dead_letter_key).open(message)
    assert opened.value is not None
    assert json.loads(opened.value)["person_ref"] == identity
    assert opened.headers is not None
    assert ("x-note", b"\xffkept") in opened.headers
    with pytest.raises(ValueError, match="another key"):
        DeadLetters("matching", b"some other key").open(message)


def fails_on_craft(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    if story.created is not None and Need.CRAFT in story.created.needs:
        raise ZeroDivisionError("our own code")
    return book(story, resources, context)


async def test_record_that_handler_fails_on_is_dead_lettered_alone(place: Bench) -> None:
    events = [said(created(place.locality, needs=[Need.CRAFT if n == 7 else Need.DEBT])) for n in range(20)]
    await place.say(*events)
    part = replace(TOY, decisions={"referral_created": fails_on_craft})
    async with place.kernel(part).running() as kernel:
        for n, event in enumerate(events):
            if n != 7:
                assert await kernel.wait_for(
                    place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10
                )
        letters = await place.dead_letters(1)
        assert await kernel.stored(place.locality, events[7].body.referral_id) is None
    assert [dict(x.headers)["dlq-reason"] for x in letters] == [b"handler_failed"]
    assert [dict(x.headers)["dlq-error-class"] for x in letters] == [b"ZeroDivisionError"]


async def test_repeated_own_fault_stops_stream_and_loses_nothing(place: Bench) -> None:
    broken = {"now": True}

    def decide(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        if broken["now"]:
            raise ZeroDivisionError
        return book(story, resources, context)

    events = [said(created(place.locality)) for _ in range(30)]
    await place.say(*events)
    part = replace(TOY, decisions={"referral_created": decide})
    async with place.kernel(part, breaker_failures=3).running() as kernel:
        stopped = await _state(kernel, place.locality, "stopped")
        assert stopped, "the stream goes on setting records aside"
        broken["now"] = False
        letters = await place.dead_letters(2)
        assert len(letters) == 2, "more than the breaker allows were set aside"
        # What was set aside before the stream stopped is in the same batch, so it is handled now as well.
        booked = await place.heard(topic(place.locality, "meeting-booked"), 30, seconds=15)
    assert {record.key for record in booked} == {event.body.referral_id.encode() for event in events}


async def test_foreign_bad_records_do_not_stop_stream(place: Bench) -> None:
    """They say nothing of our own code, however many: the one fault of it behind them is the first."""
    bad, fault, good = (
        said(created(place.locality, needs=[need])) for need in (Need.DEBT, Need.CRAFT, Need.DEBT)
    )
    for _ in range(10):
        await send(place, bad, value=b"{not json")
    part = replace(TOY, decisions={"referral_created": fails_on_craft})
    async with place.kernel(part, breaker_failures=3).running() as kernel:
        assert len(await place.dead_letters(10)) == 10
        assert kernel._consumers[0].detail()["state"] == "running"
        await place.say(fault, good)
        view = await kernel.wait_for(place.locality, good.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None
        assert view["meetings"] == 1
        assert kernel._consumers[0].detail()["state"] == "running"
        letters = await place.dead_letters(11)
    assert [dict(letter.headers)["dlq-reason"] for letter in letters].count(b"handler_failed") == 1


async def test_stopped_stream_writes_no_dead_letter_again(place: Bench) -> None:
    """Each try commits what goes well once more, and closes the breaker with it."""
    good, *bad = [
        said(created(place.locality, needs=needs)) for needs in ((Need.DEBT,), *[(Need.CRAFT,)] * 8)
    ]
    failing = {event.body.referral_id for event in bad}

    def decide(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        if context.referral_id in failing:
            raise ZeroDivisionError
        return book(story, resources, context)

    async def letters() -> Counter[int]:
        found = await place.dead_letters(100, seconds=2)
        return Counter(int(dict(letter.headers)["dlq-original-offset"]) for letter in found)

    where = topic(place.locality, "referral-created")
    await place.producer.send_and_wait(where, b"not json", key=b"x", partition=0)
    for event in (good, *bad):
        key = event.body.referral_id.encode()
        await place.producer.send_and_wait(where, event.raw, key=key, headers=event.headers(), partition=0)
    part = replace(TOY, decisions={"referral_created": decide})
    async with place.kernel(part, breaker_failures=3, breaker_open_seconds=0.2).running() as kernel:
        assert await _state(kernel, place.locality, "stopped")
        assert await letters() == {0: 1, 2: 1, 3: 1}, "one is not JSON, two were set aside before it stopped"
        failing.discard(bad[0].body.referral_id)
        again = await letters()
        assert {again[0], again[2], again[3]} == {1}, "letters were written again"
        assert await _state(kernel, place.locality, "stopped")


async def _state(kernel: object, locality: str, state: str) -> bool:
    for _ in range(100):
        _, detail = await kernel.ready()  # type: ignore[attr-defined]
        if detail["streams"][locality]["state"] == state:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_same_id_with_other_body_is_dead_lettered(place: Bench) -> None:
    body = created(place.locality)
    first = said(body)
    second = said(body.model_copy(update={"needs": (Need.HOUSING,)}), identity=first.id)
    spaced = replace(first, raw=json.dumps(json.loads(first.raw), indent=2).encode())
    await place.say(first, spaced, second)
    async with place.kernel(replace(TOY, decisions={"referral_created": nothing})).running() as kernel:
        letters = await place.dead_letters(1)
        facts = await kernel.facts(place.locality, body.referral_id)
    assert [dict(x.headers)["dlq-reason"] for x in letters] == [b"conflicting_repeat"]
    assert len(facts) == 1


def nothing(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    return NOTHING


async def test_outcome_of_unknown_kind_is_kept(place: Bench) -> None:
    body = created(place.locality)
    shape = {"kind": "danced", "locality": place.locality, "referral_id": body.referral_id, "steps": 3}
    event = replace(said(body), event="outcome-recorded", raw=json.dumps(shape).encode())
    await send(place, event)
    async with place.kernel().running() as kernel:
        assert await kernel.wait_for(place.locality, body.referral_id, lambda _: True, 10) is not None
        stored = await kernel.stored(place.locality, body.referral_id)
        assert stored is not None
        assert json.loads(stored["facts"][0]["b"])["kind"] == "danced"
        assert await place.dead_letters(0) == []
