"""Locates the places of a service: by plausible coordinates, else by full postcode, never by town."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.model import Location
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.text import plain_text
from shared.platform.localities import postcodes

MAX_NAME_LENGTH = 120
MAX_ADDRESS_LENGTH = 300
# The United Kingdom with its islands, in degrees.
LATITUDES = (49.8, 60.9)
LONGITUDES = (-8.7, 1.8)
# A postcode covers a few streets. Coordinates further away belong to another place.
MAX_DISAGREEMENT_KM = 5.0
NOT_STEP_FREE = re.compile(
    r"\b(no|not|without)\b[^.;]{0,30}\b(step|wheelchair|level|ramp|lift)|\bsteps (up|at|to)\b|\bstairs only\b"
)
STEP_FREE = re.compile(r"step[- ]free|wheelchair|level access|\bramp\b")


def read_locations(
    record: Record, record_id: str, step_free: bool | None, report: Report
) -> tuple[Location, ...]:
    """Each place of a service. `step_free` is the service's own term, for places that do not say."""
    places = [
        at["location"] for at in records_in(record, "service_at_locations") if _is_record(at.get("location"))
    ]
    places += records_in(record, "locations")
    # A postal address receives letters. It counts as a place only if the feed has no other.
    places = [place for place in places if not _is_postal(place.get("location_type"))] or places
    if step_free is None:
        step_free = _step_free(access_text(record))
    found = tuple(dict.fromkeys(_location(place, record_id, step_free, report) for place in places))
    if not found:
        report.add(record_id, "service_at_locations", "location_missing")
    return found


def place_name(place: Record) -> str:
    """The name of a place in plain text; "" if it has none."""
    return plain_text(_text(place.get("name")), MAX_NAME_LENGTH).text


def access_text(record: Record) -> str:
    """The feed's own words about access to a service or place; "" if there are none."""
    said: list[str] = []
    for entry in (
        *records_in(record, "accessibility"),
        *records_in(record, "accessibility_for_disabilities"),
    ):
        words = (entry.get(key) for key in ("accessibility", "description", "details"))
        said += [word for word in words if isinstance(word, str)]
    return plain_text(" ".join(dict.fromkeys(said)), MAX_ADDRESS_LENGTH).text


def _location(place: Record, record_id: str, step_free: bool | None, report: Report) -> Location:
    addresses = records_in(place, "addresses")
    held_at = [one for one in addresses if not _is_postal(one.get("address_type"))]
    address = next(iter((*held_at, *addresses)), {})
    lines = (address.get(key) for key in ("address_1", "address_2", "city"))
    postcode = _postcode(address.get("postal_code"), record_id, report)
    virtual = str(place.get("location_type")).strip().lower() == "virtual"
    here = _step_free(access_text(place))
    return Location(
        name=place_name(place),
        address=plain_text(", ".join(line for line in map(_text, lines) if line), MAX_ADDRESS_LENGTH).text,
        postcode=postcode,
        position=None if virtual else _position(place, postcode, record_id, report),
        step_free=step_free if here is None else here,
        virtual=virtual,
    )


def _is_postal(kind: object) -> bool:
    return isinstance(kind, str) and kind.strip().lower() == "postal"


def _step_free(said: str) -> bool | None:
    if NOT_STEP_FREE.search(said.lower()):
        return False
    return True if STEP_FREE.search(said.lower()) else None


def _position(
    place: Record, postcode: str | None, record_id: str, report: Report
) -> tuple[float, float] | None:
    known = postcodes.lookup(postcode) if postcode else None
    given = _coordinates(place, record_id, report)
    if given and known and postcodes.distance_km(given, known.position) > MAX_DISAGREEMENT_KM:
        report.add(record_id, "location.latitude", "coordinates_disagree")
        return known.position
    if given:
        return given
    if known is None:
        report.add(record_id, "location", "position_unknown")
        return None
    report.add(record_id, "location.latitude", "coordinates_missing")
    return known.position


def _coordinates(place: Record, record_id: str, report: Report) -> tuple[float, float] | None:
    lat, lon = _degrees(place.get("latitude")), _degrees(place.get("longitude"))
    if lat is None and lon is None:
        return None
    if lat is None or lon is None or not _in_uk(lat, lon):
        report.add(record_id, "location.latitude", "coordinates_unusable")
        return None
    return (lat, lon)


def _in_uk(lat: float, lon: float) -> bool:
    return LATITUDES[0] <= lat <= LATITUDES[1] and LONGITUDES[0] <= lon <= LONGITUDES[1]


def _degrees(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        return None
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return degrees


def _postcode(value: object, record_id: str, report: Report) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    if not postcodes.exists(value):
        report.add(record_id, "address.postal_code", "postcode_unusable")
        return None
    return postcodes.normalise(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_record(value: object) -> bool:
    return isinstance(value, Mapping)
