"""Reading a record never raises, whatever it holds: that would pass the whole batch over."""

import json
from dataclasses import dataclass, replace
from typing import Any

import bson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contract.events import envelope
from shared.contract.events.topics import topic
from shared.delivery.consumer.incoming import decode
from shared.delivery.model.facts import restore
from tests.harness.delivery.toy import Bench, created, said

EVENT = said(created("meir"))
HEADERS = dict(EVENT.headers())
KEY = EVENT.body.referral_id.encode()


@dataclass
class Raw:
    """A record as it comes from a consumer."""

    value: bytes | None = EVENT.raw
    headers: tuple[tuple[str, bytes | None], ...] = tuple(HEADERS.items())
    key: bytes | None = KEY
    topic: str = topic("meir", "referral-created")
    partition: int = 0
    offset: int = 0


def with_header(name: str, value: bytes | None) -> Raw:
    return Raw(headers=tuple((HEADERS | {name: value}).items()))


def with_extra(text: str) -> Raw:
    """The event with one more field, written as given: a reader ignores fields that it does not know."""
    return Raw(value=EVENT.raw[:-1] + b',"more":' + text.encode("utf-8", "surrogatepass") + b"}")


times = st.sampled_from(
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T00:00:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00.123456789+00:00",
        "2026-W01-1",
        "",
    ]
)
values = st.one_of(
    st.none(), st.binary(max_size=40), st.text(max_size=40).map(str.encode), times.map(str.encode)
)
records = st.one_of(
    st.builds(with_header, st.sampled_from(sorted(HEADERS)), values),
    st.builds(Raw, value=st.one_of(st.none(), st.binary(max_size=80))),
    st.builds(Raw, key=st.one_of(st.none(), st.binary(max_size=80))),
    st.builds(Raw, topic=st.text(max_size=30)),
    st.builds(with_extra, st.recursive(st.integers() | st.floats() | st.text(), st.lists).map(json.dumps)),
)


@given(records)
@example(with_header("ce_time", b"0001-01-01T00:00:00+14:00"))
@example(with_header("ce_time", b"0001-01-01T00:00:00Z"))
@example(with_header("ce_recordedtime", b"9999-12-31T23:59:59-14:00"))
@example(with_header("ce_type", "org.linkwork.referral-created.v१".encode()))
@example(with_extra("NaN"))
@example(with_extra("-Infinity"))
@example(with_extra("1e999"))
@example(with_extra("9" * 5000))
@example(with_extra('"\\ud800"'))
@example(with_extra('"\ud800"'))
@example(with_extra("[" * 30_000 + "]" * 30_000))
@example(with_extra("[" * 190 + "]" * 190))
@example(with_extra('1,"needs":["housing"],"needs":["debt"]'))
def test_record_becomes_event_or_dead_letter(record: Raw) -> None:
    good, letters, _ = decode([record])
    assert len(good) + len(letters) == 1
    for item in good:
        row = bson.decode(bson.encode(item.received.stored()), codec_options=AWARE)
        assert restore(row, "meir", EVENT.body.referral_id) == item.received.fact, (
            "what is folded now is not what is folded again later"
        )


def test_unforeseen_error_is_dead_lettered_and_spares_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = envelope.read

    def read(name: str, key: bytes | None, value: bytes | None, headers: Any) -> Any:
        if value == b"{}":
            raise ZeroDivisionError("private")
        return real(name, key, value, headers)

    monkeypatch.setattr(envelope, "read", read)
    good, letters, _ = decode([Raw(), Raw(value=b"{}", offset=1), Raw(offset=2)])
    assert [item.record.offset for item in good] == [0, 2]
    assert [(one.record.offset, one.reason, one.error) for one in letters] == [
        (1, "unreadable", "ZeroDivisionError")
    ]


AWARE: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(tz_aware=True)


async def test_impossible_time_spares_neighbours(place: Bench) -> None:
    good = [said(created(place.locality)) for _ in range(6)]
    bad = said(created(place.locality))
    for n, event in enumerate(good):
        if n == 3:
            headers = dict(bad.headers()) | {"ce_time": b"0001-01-01T00:00:00+14:00"}
            await place.producer.send_and_wait(
                bad.topic(), bad.raw, key=bad.body.referral_id.encode(), headers=list(headers.items())
            )
        await place.say(event)
    async with place.kernel().running() as kernel:
        for event in good:
            assert await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10
            ), "a neighbour was passed over"
        letters = await place.dead_letters(1)
    assert [dict(x.headers)["dlq-reason"] for x in letters] == [b"bad_time"]


def test_time_of_event_has_precision_of_database() -> None:
    """The database keeps milliseconds: a fold now must see what a later fold will see."""
    fine = replace(EVENT, time=EVENT.time.replace(microsecond=123_456))
    good = decode(
        [Raw(headers=tuple({**dict(fine.headers()), "ce_time": b"2026-11-23T09:00:00.123456Z"}.items()))]
    ).incoming
    row = bson.decode(bson.encode(good[0].received.stored()), codec_options=AWARE)
    assert restore(row, "meir", EVENT.body.referral_id).time == good[0].received.fact.time
