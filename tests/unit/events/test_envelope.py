"""Events survive the bus as they were said, and nothing that is not an event comes through."""

import json
import re
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contract.events import topics
from shared.contract.events.envelope import Envelope, Refused, UnknownOutcome, moment, read, read_body, stamp
from shared.contract.events.fields import MOMENT_FORM
from shared.contract.events.marker import Marker
from shared.platform.ids import new_id
from tests.harness.delivery.toy import created, missed, said


def records(event: Envelope) -> list[tuple[str, bytes | None]]:
    return list(event.headers())


def read_back(event: Envelope, topic: str | None = None) -> Envelope | Marker | Refused:
    return read(topic or event.topic(), event.body.referral_id.encode(), event.raw, records(event))


def test_an_event_is_read_as_it_was_said() -> None:
    body = created("meir")
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    for event in (
        said(body),
        said(missed("meir", body.referral_id, body.person_ref)),
        replace(said(body), correlation="x-1", traceparent=trace, actor="0a-Z9"),
    ):
        assert read_back(event) == event


@pytest.mark.parametrize("actor", ["", "a b", "priya@links.example", "x" * 65])
def test_actor_that_is_not_opaque_is_refused(actor: str) -> None:
    event = said(created("meir"))
    headers = [*records(event), ("ce_actor", actor.encode())]
    assert read(event.topic(), event.body.referral_id.encode(), event.raw, headers) == Refused("bad_header")


def test_a_traceparent_that_cannot_be_read_starts_a_new_trace() -> None:
    event = replace(said(created("meir")), traceparent="nonsense")
    read_event = read_back(event)
    assert isinstance(read_event, Envelope)
    assert read_event.traceparent is None


def test_topic_names_that_start_alike_are_told_apart() -> None:
    for name in (
        "meir.referral-created.v1.dlq",
        "x.meir.referral-created.v1",
        "meir.referral-created.v1\n",
        "meir",
    ):
        assert topics.parse_topic(name) is None
    assert topics.parse_topic("leek-werrington.outcome-recorded.v1") == (
        "leek-werrington",
        "outcome-recorded",
        1,
    )
    assert read_back(said(created("meir")), "meir.referral-created.v1.dlq") == Refused("wrong_topic")


def test_an_event_on_the_topic_of_another_is_refused() -> None:
    assert read_back(said(created("meir")), "meir.meeting-booked.v1") == Refused("wrong_topic")
    assert read_back(said(created("meir")), "leek-werrington.referral-created.v1") == Refused("wrong_source")


def test_nobody_speaks_of_what_is_not_theirs() -> None:
    """Of another locality's referral, for another locality's source, or under another referral's key."""
    event = said(created("meir"))
    key, another = event.body.referral_id.encode(), new_id()

    def read_with(raw: bytes = event.raw, key: bytes = key, **attributes: str) -> Envelope | Marker | Refused:
        changed = event.attributes() | attributes
        return read(event.topic(), key, raw, [(name, value.encode()) for name, value in changed.items()])

    assert read_with() == event
    elsewhere = json.dumps(json.loads(event.raw) | {"locality": "leek-werrington"}).encode()
    assert read_with(elsewhere) == Refused("wrong_locality")
    assert read_with(ce_source="/leek-werrington/referral") == Refused("wrong_source")
    assert read_with(key=another.encode()) == Refused("wrong_key")
    assert read_with(ce_subject=another) == Refused("wrong_key")


def test_a_kind_not_known_yet_is_not_an_error() -> None:
    body = created("meir")
    raw = b'{"kind":"danced","referral_id":"%s","locality":"meir"}' % body.referral_id.encode()
    event = replace(said(body), event="outcome-recorded", raw=raw)
    read_event = read_back(event)
    assert isinstance(read_event, Envelope)
    assert read_event.body == UnknownOutcome(body.referral_id, "meir")


@given(
    st.text(max_size=40),
    st.none() | st.binary(max_size=60),
    st.none() | st.binary(max_size=200),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "x"]
            ),
            st.none() | st.binary(max_size=40) | st.just(b"1.0"),
        ),
        max_size=8,
    ),
)
def test_reading_never_raises(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    assert isinstance(read(topic, key, value, headers), Refused)
    assert isinstance(read("meir.referral-created.v1", key, value, headers), Refused)


@given(st.binary(max_size=300))
def test_a_body_of_any_bytes_is_answered_with_a_code(value: bytes) -> None:
    event = said(created("meir"))
    answer = read(event.topic(), event.body.referral_id.encode(), value, records(event))
    assert isinstance(answer, Refused)
    assert answer.reason in {"bad_json", "empty_body", "invalid_body"}


def test_body_against_its_schema_is_refused_with_its_fields() -> None:
    body = json.loads(said(created("meir")).raw)
    del body["risk"]
    body["agreement"]["at"] = "yesterday"
    body["needs"] = ["debt", "joy"]
    refused = read_body("referral-created", json.dumps(body).encode(), admits=True)
    assert refused == Refused(
        "invalid_body", "needs.1 enum, agreement.at string_pattern_mismatch, risk missing"
    )


@given(st.from_regex(r"\A[A-Z][a-z]{2,12}\Z"))
def test_a_key_of_the_input_is_no_field_of_ours(name: str) -> None:
    """A body in which a name stands in place of a questionnaire's item, and all else is as it should be."""
    body = {"kind": "measured", "referral_id": new_id(), "locality": "meir", "scores": {name: 5}}
    body |= {"instrument": "ons4", "stage": "before", "on": "2026-11-23"}
    refused = read_body("outcome-recorded", json.dumps(body).encode())
    assert isinstance(refused, Refused)
    assert refused.error == "measured.scores.?.? string_pattern_mismatch"


@given(st.integers(0, 4_102_444_800_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)))
def test_a_time_survives_its_stamp_to_the_millisecond(when: datetime) -> None:
    read_time = moment(stamp(when))
    assert read_time is not None
    assert abs((when - read_time).total_seconds()) < 0.001
    assert moment(when.replace(tzinfo=None).isoformat()) is None


@given(st.from_regex(r"\A20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,6})?Z\Z"))
@example("2026-02-29T09:00:00Z")
@example("2028-02-29T09:00:00.123Z")
@example("2026-11-30T24:00:00.000Z")
@example("2026-11-30T23:59:60.000Z")
def test_usual_form_of_a_time_is_read_as_published(text: str) -> None:
    assert (moment(text) is None) == (re.fullmatch(MOMENT_FORM, text) is None)


def test_nothing_is_remembered_of_what_a_record_calls_itself() -> None:
    """Headers may be a megabyte long: what kept the last 512 of them would keep half a gigabyte."""
    tracemalloc.start()
    for number in range(100):
        assert topics.parse_type(f"org.linkwork.{number}" + "x" * 100_000) is None
        assert topics.locality_of_source(f"/{number}/" + "x" * 100_000) is None
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000
