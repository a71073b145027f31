"""The event that is posted: CloudEvents JSON, a permanent id, and signatures that a library verifies."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifications.webhooks.endpoint import EventFilter
from services.notifications.webhooks.events import cloudevent, event_to_send, webhook_id
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from services.notifications.webhooks.signing import signed_headers
from shared.contract.events.envelope import Envelope
from shared.contract.events.marker import Marker, PartHandedOver
from tests.harness.notifications.facts import NOW, FactBuilder, numbered_id

ALL = EventFilter()
texts = st.text(max_size=40)


@dataclass
class Record:
    """A record as aiokafka gives it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    partition: int = 0
    offset: int = 0


def record(event: Envelope, **changed: object) -> Record:
    made = Record(event.topic(), event.body.referral_id.encode(), event.raw, [*event.headers()])
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def booked() -> Envelope:
    builder = FactBuilder()
    return builder.envelope(builder.booked())


def test_event_is_posted_as_cloudevents_json() -> None:
    event = booked()
    sent = event_to_send(record(event), ALL)
    assert sent is not None
    assert (sent.event, sent.kind) == ("meeting-booked", "meeting_booked")
    posted = json.loads(sent.body)
    assert posted.pop("data") == json.loads(event.raw)
    assert posted == {
        "specversion": "1.0",
        "id": event.id,
        "source": "/meir/matching",
        "type": "org.linkwork.meeting-booked.v1",
        "subject": event.body.referral_id,
        "time": "2026-11-24T14:00:00.000Z",
        "recordedtime": "2026-11-24T14:00:00.000Z",
        "dataschema": event.attributes()["ce_dataschema"],
        "partitionkey": event.body.referral_id,
        "datacontenttype": "application/json",
    }


def test_data_stays_byte_for_byte_as_on_the_bus() -> None:
    raw = booked().raw[:-1] + b', "later_field": 1.10, "zwei": "\xc3\xbc"}'
    event = event_to_send(record(booked(), value=raw), ALL)
    assert event is not None
    assert raw in event.body


@pytest.mark.parametrize("bad", [b"", b"{", b"\xff", b"[1]"])
def test_record_that_is_no_event_is_not_sent(bad: bytes) -> None:
    assert event_to_send(record(booked(), value=bad), ALL) is None
    assert event_to_send(record(booked(), key=b"another"), ALL) is None
    assert event_to_send(record(booked(), headers=[("ce_id", None)]), ALL) is None


def test_data_that_is_no_json_is_not_sent() -> None:
    for extra in (b"NaN", b"Infinity"):
        raw = booked().raw[:-1] + b', "later_field": ' + extra + b"}"
        assert event_to_send(record(booked(), value=raw), ALL) is None


def test_marker_is_not_sent() -> None:
    body = PartHandedOver(locality="meir", part="booking", epoch=2, owner="vast-hub")
    marker = Marker(numbered_id(1), "meeting-booked", NOW, body, body.model_dump_json().encode())
    made = Record("meir.meeting-booked.v1", b"booking", marker.raw, [*marker.headers()])
    assert event_to_send(made, ALL) is None


def test_unknown_kind_of_outcome_is_sent() -> None:
    builder = FactBuilder()
    event = builder.envelope(builder.attended())
    raw = event.raw.replace(b"meeting_attended", b"something_new")
    sent = event_to_send(record(event, value=raw), ALL)
    assert sent is not None
    assert json.loads(sent.body)["data"]["kind"] == "something_new"


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (EventFilter(), True),
        (EventFilter(frozenset({"outcome-recorded"})), True),
        (EventFilter(frozenset({"meeting-booked"})), False),
        (EventFilter(kinds=frozenset({"meeting_attended"})), True),
        (EventFilter(kinds=frozenset({"meeting_missed"})), False),
        (EventFilter(frozenset({"meeting-booked"}), frozenset({"meeting_attended"})), False),
    ],
)
def test_filter_passes_events_and_kinds(wanted: EventFilter, passes: bool) -> None:
    builder = FactBuilder()
    assert (event_to_send(record(builder.envelope(builder.attended())), wanted) is not None) is passes


@given(texts, texts, texts, texts)
def test_webhook_id_is_one_for_source_and_id(source: str, one: str, other: str, identity: str) -> None:
    assert webhook_id(source, identity) == webhook_id(source, identity)
    if one != other:
        assert webhook_id(source, one) != webhook_id(source, other)
    assert "." not in webhook_id(source, identity)


def test_webhook_id_stays_as_it_is() -> None:
    """Receivers remember ids: another way to make them would deliver everything anew."""
    assert webhook_id("/meir/booking", numbered_id(1)) == "msg_4da193c5c9e28d5da5a81e1b1b2badba"


@given(st.binary(min_size=1, max_size=200))
def test_each_valid_secret_verifies(noise: bytes) -> None:
    sealing = Sealing(b"a key")
    first, second = sealing.new_secret(), sealing.new_secret()
    body = json.dumps({"noise": base64.b64encode(noise).decode()}).encode()
    headers = signed_headers("msg_1", body, [first, second], datetime.now(UTC))
    for secret in (first, second):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(sealing.new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(body + b" ", headers)


def test_sealed_text_is_of_one_key_and_endpoint() -> None:
    sealed = Sealing(b"a key").seal("https://hooks.example.org/secret", "one")
    assert b"hooks" not in sealed
    assert Sealing(b"a key").unseal(sealed, "one") == "https://hooks.example.org/secret"
    for key, endpoint, content in (
        (b"another", "one", sealed),
        (b"a key", "two", sealed),
        (b"a key", "one", sealed[:-1] + b"x"),
        (b"a key", "one", b""),
    ):
        with pytest.raises(CannotUnseal):
            Sealing(key).unseal(content, endpoint)


def test_body_that_is_too_deep_is_not_sent() -> None:
    event = booked()
    deep = Envelope(
        event.id, event.source, event.event, event.time, event.recorded, event.body, b"[" * 60_000
    )
    assert cloudevent(deep) is None
