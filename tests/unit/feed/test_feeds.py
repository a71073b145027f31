"""Real feeds are read, and no other document makes the reader raise."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.feed import next_sessions, read_directory
from services.matching.directory.feed.defects import CATALOGUE
from tests.harness.feed.records import TODAY, lunch_club

FEEDS = Path(__file__).parents[2] / "data" / "directory"
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
# For each real document: number of records, number of services.
EXPECTED = {
    "hsds-uk-profile/organization_full.json": (1, 1),
    # Each list is the first of ten pages.
    "hsds-uk-profile/organization_list.json": (0, 0),
    "hsds-uk-profile/service_at_location_full.json": (1, 1),
    "hsds-uk-profile/service_at_location_list.json": (0, 0),
    "hsds-uk-profile/service_full.json": (1, 1),
    "hsds-uk-profile/service_list.json": (0, 0),
    "hsds-uk-profile/taxonomy.json": (1, 0),
    "hsds-uk-profile/taxonomy_list.json": (0, 0),
    "hsds-uk-profile/taxonomy_term.json": (1, 0),
    "hsds-uk-profile/taxonomy_term_list.json": (0, 0),
    "dfe-family-hubs/Service_with_html_and_javascript.json": (1, 1),
    "dfe-family-hubs/mock_1001_getFullyNestedServiceById.json": (1, 1),
    "dfe-family-hubs/mock_1_getAPIMetaInformation.json": (1, 0),
    "dfe-family-hubs/mock_2001_getPaginatedListOfServices.json": (1, 1),
    "dfe-family-hubs/mock_2003_getPaginatedListOfServices.json": (0, 0),
    "dfe-family-hubs/mock_2004_getPaginatedListOfServices.json": (0, 0),
    # Not a feed, and with a control character in a text.
    "dfe-family-hubs/openapi.json": (1, 0),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_real_documents_are_all_expected() -> None:
    assert set(EXPECTED) == {str(path.relative_to(FEEDS)) for path in FEEDS.glob("*/*.json")}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_real_document_gives_expected_counts(name: str, expected: tuple[int, int]) -> None:
    imported = read_directory((FEEDS / name).read_bytes(), "tests", TODAY)
    assert (imported.records, len(imported.services)) == expected
    for service in imported.services:
        next_sessions(service.schedules, NOW, 3)


def test_council_html_and_script_are_removed() -> None:
    feed = (FEEDS / "dfe-family-hubs/Service_with_html_and_javascript.json").read_bytes()
    imported = read_directory(feed, "tests", TODAY)
    service = imported.services[0]
    assert service.description.startswith("Counselling Services provided by trained professionals.")
    assert service.costs[0].text == "Click mefees_description"
    found = {(defect.field, defect.code) for defect in imported.defects}
    assert {("description", "html_removed"), ("fees", "script_removed")} <= found
    assert ("assured_date", "assurance_stale") in found


@given(json_values)
def test_any_document_never_raises(document: object) -> None:
    imported = read_directory(document, "tests", TODAY)
    assert all(defect.code in CATALOGUE for defect in imported.defects)


@given(st.data(), json_values)
def test_any_value_in_a_record_never_raises(data: st.DataObject, value: object) -> None:
    record = copy.deepcopy(lunch_club())
    spot: Any = record
    while True:
        key = data.draw(st.sampled_from(list(spot) if isinstance(spot, dict) else list(range(len(spot)))))
        if not isinstance(spot[key], dict | list) or not spot[key] or data.draw(st.booleans()):
            break
        spot = spot[key]
    spot[key] = value
    imported = read_directory(record, "tests", TODAY)
    for service in imported.services:
        next_sessions(service.schedules, NOW, 3)
        assert orjson.dumps(service.model_dump(mode="json"))
