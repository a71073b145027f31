"""Markers of hand-overs: read from each topic as written, and refused from anybody but the operator."""

import json
from datetime import UTC, datetime

import pytest

from shared.contract.events.envelope import Refused, read
from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import EVENTS, EventName, topic
from shared.platform.ids import new_id

BODY = PartHandedOver(locality="meir", part="booking", epoch=1, owner="meir-together")
AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def marker(event: EventName = "meeting-booked") -> Marker:
    return Marker(new_id(), event, AT, BODY, BODY.model_dump_json().encode())


def read_back(written: Marker, **changed: bytes | None) -> object:
    headers = [(name, changed.get(name, value)) for name, value in written.headers()]
    value = changed.get("value", written.raw)
    return read(topic("meir", written.event), b"booking", value, headers)


@pytest.mark.parametrize("event", EVENTS)
def test_marker_in_any_topic_is_read_as_written(event: EventName) -> None:
    written = marker(event)
    assert read_back(written) == written


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ce_source": b"/meir/booking"}, "wrong_source"),
        ({"ce_source": b"/leek-werrington/control"}, "wrong_source"),
        ({"ce_id": b"1"}, "bad_id"),
        ({"ce_time": b"yesterday"}, "bad_time"),
        ({"value": b""}, "empty_body"),
        ({"value": b"{"}, "bad_json"),
        (
            {"value": json.dumps({**BODY.model_dump(), "locality": "leek-werrington"}).encode()},
            "wrong_locality",
        ),
        ({"value": json.dumps({**BODY.model_dump(), "epoch": 0}).encode()}, "invalid_body"),
        ({"value": json.dumps({**BODY.model_dump(), "part": "weather"}).encode()}, "invalid_body"),
    ],
)
def test_marker_that_is_wrong_is_refused(changed: dict[str, bytes], reason: str) -> None:
    refused = read_back(marker(), **changed)
    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_marker_of_a_later_contract_is_read() -> None:
    later = json.dumps({**BODY.model_dump(), "why": "new"}).encode()
    found = read_back(marker(), value=later)
    assert isinstance(found, Marker)
    assert found.body == BODY
