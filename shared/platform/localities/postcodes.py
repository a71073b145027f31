"""Places by full postcode.

Every postcode of the ST area is known (see SOURCES.md). Of others we can only tell whether they are written
like a postcode of an area that there is, and about where that area lies.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.platform.people.cleaning import clean_line

ST_POSTCODES = Path(__file__).with_name("st_postcodes.csv.gz")
EARTH_RADIUS_KM = 6371.0088
# Outward code, then a digit and two letters; the inward letters are never C, I, K, M, O or V.
WRITTEN_AS = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][ABD-HJLNP-UW-Z]{2})")
ST_AREA = re.compile(r"ST[0-9]")
AREA_OF = re.compile(r"[A-Z]{1,2}")
AREAS_FILE = Path(__file__).with_name("postcode_areas.csv")
# What the NHS writes where there is no postcode: no fixed address, abroad, not known. It is no place.
PSEUDO = re.compile(r"ZZ99[0-9][A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """A postcode's place: degrees, lower super output area (2021), IMD 2025 decile (1: most deprived)."""

    postcode: str
    lat: float
    lon: float
    lsoa: str | None
    imd_decile: int | None
    ward: str | None

    @property
    def outward(self) -> str:
        """The first half of the postcode."""
        return self.postcode.split(" ")[0]

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude in degrees."""
        return (self.lat, self.lon)


def normalise(postcode: str) -> str | None:
    """The postcode in capitals with its one space ("st36ab" -> "ST3 6AB"), or None.

    None for the NHS's pseudo-postcodes too: they name no place.
    """
    letters = _letters(postcode)
    parts = WRITTEN_AS.fullmatch(letters) if not PSEUDO.fullmatch(letters) else None
    return f"{parts[1]} {parts[2]}" if parts else None


def is_pseudo(postcode: str) -> bool:
    """True if this is a postcode of the NHS for no fixed address, abroad or not known ("ZZ99 3VZ")."""
    return PSEUDO.fullmatch(_letters(postcode)) is not None


def outward_code(postcode: str) -> str | None:
    """The part before the space, which is all of a postcode that an event may carry.

    None for an area that there is not: an invented postcode names no place.
    """
    written = normalise(postcode)
    return written.split(" ")[0] if written and _area(written) in _areas() else None


def lookup(postcode: str) -> Place | None:
    """The place of an ST postcode; None where it does not exist, is of another area, or is no postcode."""
    written = normalise(postcode)
    row = _rows().get(written) if written else None
    return _place(row) if row else None


def exists(postcode: str) -> bool:
    """False for what is not written like a postcode, and for one that is of no area or not in the ST list.

    True for any other area's: we cannot know, and somebody who lives over the border may use a practice here.
    """
    written = normalise(postcode)
    if written is None:
        return False
    return written in _rows() if ST_AREA.match(written) else _area(written) in _areas()


def distance_from(here: tuple[float, float], postcode: str) -> float | None:
    """Kilometres from (lat, lon) to a postcode, or about as far as its area; None where neither is known."""
    place = lookup(postcode)
    written = normalise(postcode)
    there = place.position if place else _areas().get(_area(written)) if written else None
    return distance_km(here, there) if there else None


def places() -> Iterator[Place]:
    """Every place of the ST area, in the order of the file."""
    return (_place(row) for row in _rows().values())


def distance_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Kilometres as the crow flies between two (lat, lon) in degrees, by the haversine formula."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*here, *there))
    square = (
        math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(square)))


def _letters(postcode: str) -> str:
    cleaned = clean_line(postcode)
    return re.sub(r"[\s.-]", "", cleaned).upper() if cleaned.isascii() else ""


def _area(written: str) -> str:
    found = AREA_OF.match(written)
    return found[0] if found else ""


@cache
def _areas() -> Mapping[str, tuple[float, float]]:
    """The middle of each postcode area, (lat, lon) in degrees."""
    with AREAS_FILE.open(newline="", encoding="utf-8") as lines:
        return {row["area"]: (float(row["lat"]), float(row["lon"])) for row in csv.DictReader(lines)}


@cache
def _rows() -> Mapping[str, list[str]]:
    # Read once, at the first question; a row becomes a Place only when it is asked for.
    with gzip.open(ST_POSTCODES, "rb") as packed:
        lines = csv.reader(io.StringIO(packed.read().decode()))
    next(lines)
    return {row[0]: row for row in lines}


def _place(row: list[str]) -> Place:
    postcode, lat, lon, _, lsoa, _, decile, ward = row
    return Place(
        postcode,
        float(lat),
        float(lon),
        lsoa or None,
        int(decile) if decile else None,
        ward or None,
    )
