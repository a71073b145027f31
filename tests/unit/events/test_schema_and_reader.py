"""Reader and schema agree on generated bodies: they differ in the numbered rules alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.events import topics
from shared.contract.events.bodies import STRICT_SINCE, Refused, UnknownOutcome, read_body
from shared.contract.events.envelope import Envelope, read, read_any
from shared.contract.events.fields import AFTER, FIRST
from shared.contract.events.headers import NAME
from shared.contract.events.models import EventBody
from shared.contract.events.rules import BODY, HEADERS, RULES
from tests.harness.contract.generated_bodies import altered, of_schema
from tests.harness.contract.validators import schema_of, validator
from tests.harness.history.sayings import SAYINGS

EVENTS = topics.EVENTS
SAID: dict[topics.EventName, list[Any]] = {event: [] for event in EVENTS}
for sayings in SAYINGS:
    for saying in sayings:
        if isinstance(saying, EventBody):
            name = getattr(saying, "kind", None)
            event: topics.EventName = "outcome-recorded"
            if name is None:
                event = "meeting-booked" if hasattr(saying, "minutes") else "referral-created"
            SAID[event].append(json.loads(saying.to_json()))


def schema_name(event: topics.EventName, *, admits: bool) -> str:
    return f"{'' if admits else 'reading/'}{topics.event_type(event)}.json"


def drawn(event: topics.EventName, *, admits: bool) -> st.SearchStrategy[Any]:
    """Bodies from the schema and from the models, some of them altered."""
    return altered(of_schema(schema_of(schema_name(event, admits=admits))) | st.sampled_from(SAID[event]))


def whole(value: Any) -> Any:
    """The value with 3 in place of 3.0, which are the same to a schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    return {name: whole(each) for name, each in value.items()} if isinstance(value, dict) else value


def beyond(value: Any) -> bool:
    """True if a text in the value is a moment out of range in UTC, though its own year is not."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return False
        return moment.tzinfo is not None and not FIRST <= moment.astimezone(UTC) < AFTER
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(beyond(each) for each in parts)


def is_read(event: topics.EventName, body: Any, *, admits: bool) -> bool:
    found = read_body(event, json.dumps(body).encode(), admits=admits)
    if isinstance(found, Refused):
        assert found.reason == "invalid_body"
    return isinstance(found, EventBody if admits else (EventBody, UnknownOutcome))


def check(event: topics.EventName, body: Any, *, admits: bool) -> None:
    allowed = validator(schema_name(event, admits=admits)).is_valid(body)
    taken, taken_whole = (is_read(event, each, admits=admits) for each in (body, whole(body)))
    if beyond(body):  # R8
        assert allowed or not taken
    else:
        assert taken_whole == allowed
    assert taken_whole or not taken  # R7


@pytest.mark.parametrize("event", EVENTS)
@given(data=st.data())
def test_admission_takes_what_the_published_schema_allows(event: topics.EventName, data: Any) -> None:
    check(event, data.draw(drawn(event, admits=True)), admits=True)


@pytest.mark.parametrize("event", EVENTS)
@given(data=st.data())
def test_reader_reads_what_the_open_schema_allows(event: topics.EventName, data: Any) -> None:
    check(event, data.draw(drawn(event, admits=False)), admits=False)


@pytest.mark.parametrize("event", EVENTS)
def test_every_saying_of_the_models_is_allowed(event: topics.EventName) -> None:
    for body in SAID[event]:
        for admits in (True, False):
            assert validator(schema_name(event, admits=admits)).is_valid(body), body
            assert is_read(event, body, admits=admits)


NAMES = st.sampled_from(
    [*HEADERS, "ce_recordedtime", "ce_correlationid", "ce_actor", "ce_traceparent", "ce_x"]
)
CODES = {rule.code for rule in RULES}


@given(
    changes=st.dictionaries(
        NAMES, st.none() | st.sampled_from([*HEADERS.values(), "2026-11-30T10:00:00Z"]), max_size=1
    ),
    data=st.data(),
)
def test_headers_are_taken_as_their_schemas_say(changes: dict[str, str | None], data: Any) -> None:
    headers = {name: value for name, value in {**HEADERS, **changes}.items() if value is not None}
    headers = {
        name: value for name, value in data.draw(altered(st.just(headers))).items() if isinstance(value, str)
    }
    pairs = [(name, value.encode()) for name, value in headers.items()]
    key, value = BODY["referral_id"].encode(), json.dumps(BODY).encode()
    for schema, found in (
        (NAME, read_any("meir", key, value, pairs)),
        (f"reading/{NAME}", read("meir.meeting-booked.v1", key, value, pairs)),
    ):
        if not validator(schema).is_valid(headers):
            assert isinstance(found, Refused)
        elif isinstance(found, Refused):
            assert found.reason in CODES


LOOSE = [
    {"minutes": "45"},
    {"minutes": "٤٥"},
    {"minutes": 45.0},
    {"provisional": "true"},
    {"provisional": 1},
    {"starts_at": "2026-12-02 09:30Z"},
    {"starts_at": "2026-12-02t09:30:00z"},
]


def recorded(at: str, change: dict[str, Any]) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    headers = {**HEADERS, "ce_time": at}
    pairs = [(name, value.encode()) for name, value in headers.items()]
    return BODY["referral_id"].encode(), json.dumps({**BODY, **change}).encode(), pairs


@pytest.mark.parametrize("change", LOOSE, ids=str)
def test_loose_type_is_refused_unless_it_was_said_before(change: dict[str, Any]) -> None:
    now = recorded(STRICT_SINCE.isoformat(), change)
    before = recorded("2026-11-29T23:59:59Z", change)
    assert read("meir.meeting-booked.v1", *now) == read_any("meir", *now)
    assert isinstance(read("meir.meeting-booked.v1", *now), Refused)
    if "٤٥" not in str(change):
        assert isinstance(read("meir.meeting-booked.v1", *before), Envelope)
    assert isinstance(read_any("meir", *before), Refused)


@pytest.mark.parametrize("at", ["2026-11-29 10:00:00Z", "2026-11-29T10:00Z", "20261129T100000Z"])
def test_loose_time_of_a_record_is_read_if_said_before(at: str) -> None:
    assert isinstance(read("meir.meeting-booked.v1", *recorded(at, {})), Envelope)
    assert read("meir.meeting-booked.v1", *recorded(at.replace("29", "30"), {})) == Refused("bad_time")
    assert read_any("meir", *recorded(at, {})) == Refused("bad_time")


@pytest.mark.parametrize(
    "changes",
    [
        {"ce_time": "1850-01-01T10:00:00Z"},
        {"ce_time": "2026-12-01t10:00:00z"},
        {"ce_time": "2026-12-31T23:59:60Z"},
        {"ce_id": HEADERS["ce_id"].upper()},
        {"ce_subject": HEADERS["ce_subject"].upper()},
    ],
    ids=str,
)
def test_form_that_the_page_decides_is_refused_by_both(changes: dict[str, str]) -> None:
    headers = {**HEADERS, **changes}
    pairs = [(name, value.encode()) for name, value in headers.items()]
    key, value = headers["ce_subject"].encode(), json.dumps(BODY).encode()
    assert isinstance(read("meir.meeting-booked.v1", key, value, pairs), Refused)
    assert isinstance(read_any("meir", key, value, pairs), Refused)
    assert not validator(NAME).is_valid(headers)
    assert not validator(f"reading/{NAME}").is_valid(headers)


def test_event_with_an_earlier_schema_address_is_read() -> None:
    for address in ("https://linkwork.example.org/schemas/org.linkwork.meeting-booked.v1.json", "x"):
        key, value, pairs = recorded("2026-12-01T10:00:00Z", {})
        headers = [
            *(pair for pair in pairs if pair[0] != "ce_dataschema"),
            ("ce_dataschema", address.encode()),
        ]
        assert isinstance(read("meir.meeting-booked.v1", key, value, headers), Envelope)


def test_unknown_code_of_an_open_list_is_read_as_other() -> None:
    body = next(each for each in SAID["outcome-recorded"] if each["kind"] == "referral_closed")
    raw = json.dumps(body | {"reason": "went_to_sea"}).encode()
    found = read_body("outcome-recorded", raw)
    assert isinstance(found, EventBody)
    assert json.loads(found.to_json())["reason"] == "other"
    assert read_body("outcome-recorded", raw, admits=True) == Refused(
        "invalid_body", "referral_closed.reason enum"
    )
    closed = json.dumps({**BODY, "mode": "by_balloon"}).encode()
    assert read_body("meeting-booked", closed) == Refused("invalid_body", "mode enum")


def test_unknown_length_of_a_waiting_list_is_said_as_null() -> None:
    replied = {"kind": "provider_replied", "referral_id": BODY["referral_id"], "locality": "meir"}
    replied |= {"prescription_id": BODY["meeting_id"], "reply": "waiting_list"}
    missing = Refused("invalid_body", "provider_replied.weeks missing")
    assert read_body("outcome-recorded", json.dumps(replied).encode(), admits=True) == missing
    found = read_body("outcome-recorded", json.dumps(replied).encode())
    assert isinstance(found, EventBody)
    assert json.loads(found.to_json()) == replied | {"weeks": None}
    assert isinstance(read_body("outcome-recorded", found.to_json(), admits=True), EventBody)
