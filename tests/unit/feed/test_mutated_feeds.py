"""Real feeds with random changes are still read to clean services."""

from __future__ import annotations

import copy
import html
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nh3
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.matching.directory.feed import Import, Service, next_sessions, read_directory
from services.matching.directory.feed.defects import CATALOGUE, MAX_DEFECTS
from tests.harness.feed.records import TODAY

FEEDS = Path(__file__).parents[2] / "data" / "directory"
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
READABLE = [
    path.read_bytes()
    for path in sorted(FEEDS.glob("*/*.json"))
    if path.stat().st_size and path.name != "openapi.json"
]
PARSED = [orjson.loads(document) for document in READABLE]

spoilt_texts = st.sampled_from(
    [
        "",
        " ",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&amp;lt;b onclick=x&amp;gt;",
        "<b",
        "\x00\u202e\ufeff",
        "javascript:alert(1)",
        "30/06/2024",
        "9999-12-31T23:59:59+14:00",
        "0001-01-01T00:00:00-14:00",
        "20260230",
        "24:61",
        "10:00+99:99",
        "MO,TU,2WE,,",
        "-53MO",
        "WEEKLY",
        "YEARLY",
        "1" * 5000,
        "1e400",
        "NaN",
        "any",
        "Europe",
        "../../etc/localtime",
        "a" * 60_000,
        "<div>" * 3_000,
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | spoilt_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def texts_of(service: Service) -> list[str]:
    found = [
        service.name,
        service.organisation or "",
        service.description,
        service.alert,
        service.accessibility,
    ]
    for place in service.locations:
        found += [place.name, place.address]
    found += [schedule.text for schedule in service.schedules]
    return [*found, *(cost.text for cost in service.costs)]


def is_clean(imported: Import) -> None:
    assert all(defect.code in CATALOGUE for defect in imported.defects)
    assert len(imported.defects) <= MAX_DEFECTS
    assert len({service.id for service in imported.services}) == len(imported.services)
    for service in imported.services:
        assert Service.model_validate(orjson.loads(orjson.dumps(service.model_dump(mode="json")))) == service
        assert all(one.starts_at > NOW for one in next_sessions(service.schedules, NOW, 3))
        assert service.url is None or service.url.startswith(("https://", "http://"))
        for text in texts_of(service):
            bare = nh3.clean(text, tags=set())
            assert html.unescape(bare).split() == html.unescape(text).split()


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in inner] + [
        deeper for key, part in inner for deeper in spots(part, (*path, key))
    ]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_feed_gives_clean_services(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(PARSED)))
    for path in data.draw(st.lists(st.sampled_from(spots(document)), min_size=1, max_size=5)):
        spot = document
        try:
            for key in path[:-1]:
                spot = spot[key]
            if data.draw(st.booleans()):
                spot[path[-1]] = data.draw(values)
            elif isinstance(spot, list):
                spot.append(copy.deepcopy(spot[path[-1]]))
            else:
                del spot[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change removed this path
    is_clean(read_directory(document, "tests", TODAY))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(READABLE), st.lists(st.tuples(st.integers(0), st.binary(max_size=4)), max_size=4))
def test_mutated_bytes_never_raise(document: bytes, changes: list[tuple[int, bytes]]) -> None:
    for at, put in changes:
        spot = at % len(document)
        document = document[:spot] + put + document[spot + len(put) :]
    is_clean(read_directory(document, "tests", TODAY))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize("opened", [b"[", b'{"contents":[', b'{"a":'])
def test_deep_document_never_raises(opened: bytes, depth: int) -> None:
    is_clean(read_directory(opened * depth, "tests", TODAY))
    closed = {b"[": b"]", b'{"contents":[': b"]}", b'{"a":': b"0}"}[opened]
    inside = b"0" if opened == b'{"a":' else b""
    is_clean(read_directory(opened * depth + inside + closed.replace(b"0", b"") * depth, "tests", TODAY))
