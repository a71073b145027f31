"""The kit's own reading of facts agrees with the published vectors."""

import json
from datetime import datetime
from typing import Any

import pytest

from conformance import contract
from conformance.bundle import FILES, place
from conformance.events import Event, murmur2, partition_of
from conformance.meetings import state_of
from conformance.sources import Sources
from shared.contract.events.partitioning import murmur2 as theirs

VECTORS = [
    (Sources(*contract.sources(name)), vector)
    for name in ("meetings", "retraction", "endings", "counting")
    for vector in contract.vectors(name)
]


def event(fact: dict[str, Any]) -> Event:
    time, recorded = (datetime.fromisoformat(fact[name]) for name in ("time", "recordedtime"))
    return Event(fact["id"], fact["source"], fact["event"], fact["body"], time, recorded)


@pytest.mark.parametrize(("sources", "vector"), VECTORS, ids=[v["name"] for _, v in VECTORS])
def test_meetings_of_vector_are_its_state(sources: Sources, vector: dict[str, Any]) -> None:
    found = state_of([event(each) for each in vector["facts"]], sources)
    wanted = vector["state"]["meetings"]
    assert [(each.id, each.status, each.provisional) for each in found.meetings] == [
        (each["meeting_id"], each["status"], each["provisional"]) for each in wanted["meetings"]
    ]
    assert (found.active.id if found.active else None) == wanted["active"]
    assert found.ended is not vector["state"]["endings"]["open"]


def test_partition_of_key_is_that_of_the_vectors() -> None:
    file = place("texts").parent.parent / "shared/contract/events/vectors/partitions.json"
    for each in json.loads(file.read_text("utf-8"))["vectors"]:
        assert partition_of(each["key"].encode(), each["of"]) == each["partition"]


@pytest.mark.parametrize(
    "key", [b"", b"a", b"booking", "é".encode(), b"0199c0de-0000-7000-8000-000000000001"]
)
def test_hash_of_key_is_the_services(key: bytes) -> None:
    assert murmur2(key) == theirs(key)


def test_every_file_of_the_bundle_is_there() -> None:
    assert all(place(name).exists() for name in FILES)
