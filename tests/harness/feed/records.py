"""A record without defects, in which a test changes one field."""

from __future__ import annotations

from datetime import date
from typing import Any

TODAY = date(2026, 6, 15)
LUNCH_CLUB_ID = "3f9d2c1e-6f52-4f7e-9d84-0d3d0a5b7c11"


def lunch_club(**changed: Any) -> dict[str, Any]:
    """An Open Referral UK service with no defect; `changed` replaces fields, None removes one."""
    record: dict[str, Any] = {
        "id": LUNCH_CLUB_ID,
        "name": "Meir lunch club (example)",
        "description": "A hot meal and company.",
        "url": "https://lunch.example/meir",
        "email": "hello@lunch.example",
        "status": "active",
        "minimum_age": 50,
        "assured_date": "2026-02-01",
        "last_modified": "2026-02-01T09:00:00Z",
        "organization": {"id": "6a1d6c2e-8d0a-4b6f-8f0a-5d1d3c2b1a90", "name": "Meir Lunches (example)"},
        "phones": [{"number": "01632 960321"}],
        "languages": [{"code": "ur", "name": "Urdu"}],
        "cost_options": [{"amount": 4.5, "amount_description": "a meal"}],
        "schedules": [{"freq": "WEEKLY", "byday": "TU", "opens_at": "12:00", "closes_at": "14:00"}],
        "attributes": [
            {"taxonomy_term": {"taxonomy": "linkwork-needs", "code": "befriending", "name": "Befriending"}},
            {"taxonomy_term": {"taxonomy": "linkwork-capacity", "code": "waitlist"}},
        ],
        "service_at_locations": [
            {
                "location": {
                    "location_type": "physical",
                    "name": "Meir Community Centre",
                    "latitude": 52.9785,
                    "longitude": -2.1029,
                    "addresses": [{"address_1": "1 Weston Road", "city": "Meir", "postal_code": "ST3 6AB"}],
                    "accessibility": [{"accessibility": "Step-free throughout, hearing loop."}],
                }
            }
        ],
    }
    record.update(changed)
    return {key: value for key, value in record.items() if value is not None}


def at_place(**changed: Any) -> list[dict[str, Any]]:
    """`service_at_locations` of the lunch club. `changed` replaces fields of its place."""
    place = dict(lunch_club()["service_at_locations"][0]["location"])
    place.update(changed)
    return [{"location": {key: value for key, value in place.items() if value is not None}}]
