"""GP practices as the NHS Organisation Data Service lists them, given readable names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from shared.platform.localities.entries import LocalitiesError
from shared.platform.localities.model import Practice

ODS_CODE = re.compile(r"[A-Z][0-9]{5}")

# The service's register is in capitals and cut to a column's width.
WRITTEN_OUT = {
    "Ctr": "Centre",
    "Ctr.": "Centre",
    "Ctre": "Centre",
    "Ct": "Centre",
    "Hc": "Health Centre",
    "Pcc": "Primary Care Centre",
    "Pc": "Primary Care",
    "Pract": "Practice",
    "Med": "Medical",
    "Hlth": "Health",
    "Surg.": "Surgery",
    "And": "and",
    "Of": "of",
    "The": "the",
}


def read_practices(path: Path) -> dict[str, Practice]:
    """Every practice of the file by ODS code, all outside the programme until a locality names them.

    Raises LocalitiesError for a file that cannot be read, a code that is no ODS code, or one listed twice.
    """
    found: dict[str, Practice] = {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise LocalitiesError(f"{path.name} cannot be read: {error.strerror}.") from error
    for number, row in enumerate(rows, start=2):
        try:
            practice = _practice(row)
        except (KeyError, ValueError) as error:
            raise LocalitiesError(f"{path.name}, line {number}: a column is missing or wrong.") from error
        if not ODS_CODE.fullmatch(practice.ods):
            raise LocalitiesError(
                f"{path.name}, line {number}: {practice.ods!r} is not an ODS practice code."
            )
        if practice.ods in found:
            raise LocalitiesError(f"{path.name}, line {number}: {practice.ods} is listed twice.")
        found[practice.ods] = practice
    return found


def readable(capitals: str) -> str:
    """A register's name in capitals, written as one reads it: "TALKE PITS CLINIC" -> "Talke Pits Clinic"."""
    words = (word[:1].upper() + word[1:].lower() for word in capitals.split())
    name = " ".join(WRITTEN_OUT.get(word, word) for word in words)
    return name[:1].upper() + name[1:]


def _practice(row: dict[str, str]) -> Practice:
    position = (float(row["lat"]), float(row["lon"])) if row["lat"] else None
    # A register's name may be that of its doctors; its building then says more to anyone else.
    named = row["Addr1"] if row["Name"].startswith(("DR ", "DRS ")) else row["Name"]
    name = readable(named)
    return Practice(row["Code"].strip().upper(), name, name, row["Postcode"], position, None)
