"""One service at several places, each with its own times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.matching.directory.feed import Import, next_sessions, read_directory
from tests.harness.feed.records import TODAY, at_place, lunch_club

MONDAY = datetime(2026, 6, 15, 8, tzinfo=UTC)


def read(*records: object) -> Import:
    return read_directory({"contents": list(records)}, "tests", TODAY)


def times(day: str, opens: str = "12:00") -> list[dict[str, Any]]:
    return [{"freq": "WEEKLY", "byday": day, "opens_at": opens}]


def listed_at(place: str, day: str, **changed: Any) -> dict[str, Any]:
    """An entry of a list of services at locations."""
    service = lunch_club(service_at_locations=None, schedules=None)
    return {"id": place, "service": service, **at_place(name=place)[0], "schedules": times(day), **changed}


def held(imported: Import) -> list[tuple[str, str]]:
    (service,) = imported.services
    return [(schedule.place, (schedule.rule or "")[-2:]) for schedule in service.schedules]


def test_service_at_two_places_keeps_times_of_both() -> None:
    imported = read(listed_at("Meir", "MO"), listed_at("Longton", "TH", phones=[{"number": "01632 960555"}]))
    assert imported.defects == ()
    assert [place.name for place in imported.services[0].locations] == ["Meir", "Longton"]
    assert held(imported) == [("Meir", "MO"), ("Longton", "TH")]
    coming = next_sessions(imported.services[0].schedules, MONDAY, 2)
    assert [f"{one.starts_at:%a}" for one in coming] == ["Mon", "Thu"]


def test_place_listed_twice_keeps_both_times() -> None:
    assert held(read(listed_at("Meir", "MO"), listed_at("Meir", "FR"))) == [("Meir", "MO"), ("Meir", "FR")]


def test_place_listed_twice_alike_is_duplicate() -> None:
    imported = read(listed_at("Meir", "MO"), listed_at("Meir", "MO"))
    assert [defect.code for defect in imported.defects] == ["id_duplicate"]
    assert held(imported) == [("Meir", "MO")]


def test_times_of_service_and_places_all_count() -> None:
    at = [{**at_place(name="Meir")[0], "schedules": times("FR")}]
    assert held(read(lunch_club(service_at_locations=at))) == [("", "TU"), ("Meir", "FR")]


def test_times_named_for_place_belong_to_it() -> None:
    at = [{"id": "at-1", **at_place(name="Meir")[0]}]
    of_place = [{**times("FR")[0], "service_at_location_id": "at-1"}]
    assert held(read(lunch_club(service_at_locations=at, schedules=of_place))) == [("Meir", "FR")]


def test_times_of_location_count_without_others() -> None:
    library = at_place(name="Library", schedules=times("SA"))
    assert held(read(lunch_club(service_at_locations=library, schedules=None))) == [("Library", "SA")]
    imported = read(lunch_club(service_at_locations=library))
    assert held(imported) == [("", "TU")]
    assert [defect.code for defect in imported.defects] == ["schedule_of_place_unused"]


def test_older_record_at_other_place_is_duplicate() -> None:
    moved = lunch_club(service_at_locations=at_place(name="Old hall"), last_modified="2025-01-01")
    imported = read(moved, lunch_club())
    assert [place.name for place in imported.services[0].locations] == ["Meir Community Centre"]
    assert [defect.code for defect in imported.defects] == ["id_duplicate"]


def test_postal_address_is_not_a_place() -> None:
    addresses = [
        {"address_1": "PO Box 12", "postal_code": "ST1 1LZ", "address_type": "postal"},
        {"address_1": "1 Weston Road", "postal_code": "ST3 6AB", "address_type": "physical"},
    ]
    at = at_place(addresses=addresses, latitude=None, longitude=None)
    place = read(lunch_club(service_at_locations=at)).services[0].locations[0]
    assert (place.address, place.postcode) == ("1 Weston Road", "ST3 6AB")


def test_postal_location_beside_physical_is_left_out() -> None:
    at = [*at_place(name="Post", location_type="postal"), *at_place(name="Hall")]
    assert [place.name for place in read(lunch_club(service_at_locations=at)).services[0].locations] == [
        "Hall"
    ]
    only = at_place(name="Post", location_type="postal")
    assert [place.name for place in read(lunch_club(service_at_locations=only)).services[0].locations] == [
        "Post"
    ]
