"""Each defect of a feed: its report, and the result for the record."""

from __future__ import annotations

from typing import Any

import pytest

from services.matching.directory.feed import Import, Result, Service, Status, read_directory
from services.matching.directory.feed.defects import CATALOGUE
from tests.harness.feed.records import TODAY, at_place, lunch_club


def read(*records: object) -> Import:
    return read_directory({"contents": list(records)}, "tests", TODAY)


def only(imported: Import) -> Service:
    assert len(imported.services) == 1
    return imported.services[0]


def term(**of_term: Any) -> list[dict[str, Any]]:
    return [{"taxonomy_term": of_term}]


def schedule(**changed: Any) -> list[dict[str, Any]]:
    return [{"freq": "WEEKLY", "byday": "TU", "opens_at": "12:00", "description": "Tuesdays", **changed}]


SPOILT: list[tuple[str, dict[str, Any]]] = [
    ("id_missing", {"id": None}),
    ("name_blank", {"name": "  "}),
    ("name_blank", {"name": "<p> </p>"}),
    ("name_blank", {"name": None}),
    ("spaces_removed", {"name": "Lunch club "}),
    ("spaces_removed", {"status": " active"}),
    ("spaces_removed", {"attributes": term(taxonomy="linkwork-needs", code="befriending ")}),
    ("html_removed", {"description": "<p>A <b>hot</b> meal</p>"}),
    ("html_removed", {"description": "&lt;p&gt;A hot meal&lt;/p&gt;"}),
    ("script_removed", {"description": "<img src=x onerror=alert(1)> A meal"}),
    ("script_removed", {"alert": "<a href='javascript:alert(1)'>Read</a>"}),
    ("script_removed", {"cost_options": None, "fees": "<script>alert(1)</script>Free"}),
    ("text_too_long", {"description": "A hot meal. " * 12_000}),
    ("text_wrong_type", {"description": {"text": "A meal"}}),
    ("description_blank", {"description": None}),
    ("description_only_html", {"description": "<div><br/></div>"}),
    ("organisation_missing", {"organization": None}),
    ("organisation_missing", {"organization": {"id": "x"}}),
    ("url_no_scheme", {"url": "www.lunch.example/meir"}),
    ("url_unusable", {"url": "javascript:alert(1)"}),
    ("url_unusable", {"url": "see our Facebook page"}),
    ("email_unusable", {"email": "ask at the desk"}),
    ("email_missing", {"email": None}),
    ("telephone_unusable", {"phones": [{"number": "ask at the desk"}]}),
    ("telephone_unusable", {"phones": [{"number": "01632 96O321"}]}),
    ("telephone_unusable", {"phones": [{"number": "07700 900 mum"}]}),
    ("postcode_unusable", {"service_at_locations": at_place(addresses=[{"postal_code": "ZZ99 3VZ"}])}),
    ("status_missing", {"status": ""}),
    ("status_unknown", {"status": "open-ish"}),
    ("assurance_missing", {"assured_date": None}),
    ("assurance_stale", {"assured_date": "2025-06-14"}),
    ("assurance_unusable", {"assured_date": "2031-01-01"}),
    ("assurance_unusable", {"assured_date": "last spring"}),
    ("need_missing", {"attributes": []}),
    ("term_unknown", {"attributes": term(taxonomy="esdServiceTypes", name="Pest control")}),
    ("capacity_unknown", {"attributes": term(taxonomy="linkwork-capacity", code="loads")}),
    ("age_unusable", {"minimum_age": -3}),
    ("age_unusable", {"minimum_age": 60, "maximum_age": 18}),
    ("age_unusable", {"minimum_age": "adults"}),
    ("language_unknown", {"languages": [{"id": "x"}]}),
    ("cost_unusable", {"cost_options": [{"amount": "a few pounds"}]}),
    ("cost_dates_unusable", {"cost_options": [{"amount": 3, "valid_to": "31/12/2099"}]}),
    ("cost_not_yet", {"cost_options": [{"amount": 3, "valid_from": "2026-12-31"}]}),
    ("currency_foreign", {"cost_options": [{"amount": 3, "currency": "EUR"}]}),
    ("cost_over", {"cost_options": [{"amount": 3, "valid_to": "2025-12-31"}]}),
    ("schedule_unusable", {"schedules": schedule(freq="SECONDLY")}),
    ("schedule_unusable", {"schedules": schedule(opens_at="noon")}),
    ("schedule_unusable", {"schedules": schedule(interval=0.5)}),
    ("schedule_unusable", {"schedules": schedule(interval=2)}),
    ("schedule_unusable", {"schedules": schedule(byday="Tuesdays")}),
    ("schedule_dates_unusable", {"schedules": schedule(valid_to="30/06/2024")}),
    ("schedule_fixed_offset", {"schedules": schedule(opens_at="12:00Z")}),
    ("closing_unusable", {"schedules": schedule(closes_at="late")}),
    ("schedule_of_place_unused", {"service_at_locations": at_place(schedules=schedule())}),
    ("schedule_over", {"schedules": schedule(valid_to="2026-05-31")}),
    ("location_missing", {"service_at_locations": None}),
    ("coordinates_missing", {"service_at_locations": at_place(latitude=None, longitude=None)}),
    ("coordinates_unusable", {"service_at_locations": at_place(latitude=100, longitude=101)}),
    ("coordinates_unusable", {"service_at_locations": at_place(latitude=0, longitude=0)}),
    ("coordinates_unusable", {"service_at_locations": at_place(latitude="north", longitude=-2.1)}),
    ("coordinates_disagree", {"service_at_locations": at_place(latitude=53.4, longitude=-2.2)}),
    ("postcode_unusable", {"service_at_locations": at_place(addresses=[{"postal_code": "ST3 9ZZ"}])}),
    (
        "position_unknown",
        {"service_at_locations": at_place(latitude=None, longitude=None, addresses=[{"city": "Meir"}])},
    ),
]


def test_clean_record_has_no_defects() -> None:
    imported = read(lunch_club())
    assert imported.defects == ()
    service = only(imported)
    assert service.offered
    assert service.step_free
    assert service.telephone == "01632 960321"


@pytest.mark.parametrize(("code", "changed"), SPOILT)
def test_defect_is_reported_by_record_and_field(code: str, changed: dict[str, Any]) -> None:
    imported = read(lunch_club(**changed))
    found = [defect for defect in imported.defects if defect.code == code]
    assert found, [defect.code for defect in imported.defects]
    defect = found[0]
    assert defect.record
    assert defect.field
    assert (defect.sentence, defect.result) == CATALOGUE[code]
    assert bool(imported.services) == (defect.result is not Result.REFUSED)


def test_defects_of_the_catalogue_are_all_tested() -> None:
    of_documents = {"not_json", "characters_replaced", "pages_missing", "records_too_many"}
    tested = {code for code, _ in SPOILT} | of_documents | {"not_a_service", "id_duplicate"}
    assert tested == set(CATALOGUE)


@pytest.mark.parametrize("document", [b"", b"{", b"\xff\xfe", b"id,name\n1,Lunch", "[" * 5000])
def test_document_not_json_is_refused(document: bytes | str) -> None:
    imported = read_directory(document, "tests", TODAY)
    assert imported.services == ()
    assert [defect.code for defect in imported.defects] == ["not_json"]


@pytest.mark.parametrize("record", [None, 3, "text", {}, {"id": "x", "name": "A term", "taxonomy": "y"}])
def test_record_not_a_service_is_refused(record: object) -> None:
    imported = read(record, lunch_club())
    assert only(imported).name == "Meir lunch club (example)"
    assert [defect.code for defect in imported.defects] == ["not_a_service"]


def test_duplicate_id_keeps_record_changed_last() -> None:
    old = lunch_club(name="Old name", last_modified="2020-01-01T00:00:00Z")
    for order in ([old, lunch_club()], [lunch_club(), old]):
        imported = read(*order)
        assert only(imported).name == "Meir lunch club (example)"
        assert [defect.code for defect in imported.defects] == ["id_duplicate"]


def test_service_at_two_places_is_no_duplicate() -> None:
    elsewhere = lunch_club(service_at_locations=at_place(name="Longton Library"))
    imported = read(lunch_club(), elsewhere)
    assert imported.defects == ()
    assert [place.name for place in only(imported).locations] == ["Meir Community Centre", "Longton Library"]


def test_bad_record_leaves_its_neighbours() -> None:
    imported = read(lunch_club(name=None), 7, lunch_club(id="8f0f6f6e-1b1c-4b1d-9a1e-2f3a4b5c6d7e"))
    assert imported.records == 3
    assert len(imported.services) == 1


def test_place_without_coordinates_uses_postcode_not_town() -> None:
    by_postcode = only(read(lunch_club(service_at_locations=at_place(latitude=None, longitude=None))))
    assert by_postcode.locations[0].position == (52.978488, -2.102929)
    town_only = at_place(latitude=None, longitude=None, addresses=[{"city": "Stoke-on-Trent"}])
    assert only(read(lunch_club(service_at_locations=town_only))).locations[0].position is None


@pytest.mark.parametrize(
    "given", ["defunct", "Temporarily closed", "temporarily_closed", "inactive", "", "?"]
)
def test_service_not_active_is_not_offered(given: str) -> None:
    service = only(read(lunch_club(status=given)))
    assert not service.offered
    assert service.status is not Status.ACTIVE


def test_web_address_is_mended_or_left_out() -> None:
    assert only(read(lunch_club(url="www.lunch.example/meir"))).url == "https://www.lunch.example/meir"
    assert only(read(lunch_club(url="JavaScript:alert(1)"))).url is None
    assert only(read(lunch_club(url="https://user:secret@lunch.example"))).url is None


def test_id_not_uuid_is_stable_within_its_feed() -> None:
    here, again = only(read(lunch_club(id=4711))), only(read(lunch_club(id="4711")))
    assert here.id == again.id
    assert here.record == "4711"
    other_feed = read_directory(lunch_club(id=4711), "elsewhere", TODAY)
    assert only(other_feed).id != here.id


def test_sentence_never_quotes_the_feed() -> None:
    secret = "Qwertyuiop"
    spoilt = lunch_club(status=secret, url=f"{secret} {secret}", email=secret, assured_date=secret)
    assert all(secret not in defect.sentence for defect in read(spoilt).defects)
