"""Defects of a feed, record by record, in words that its owner can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

MAX_RECORD_ID_LENGTH = 80
# A report is stored as one document. The owner needs no more than the first thousands.
MAX_DEFECTS = 5_000


class Result(StrEnum):
    """The result for the record: kept unchanged, kept with the field mended or emptied, or refused."""

    KEPT = "kept"
    MENDED = "mended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault in a record. `record` is the feed's own id. The sentence never quotes the feed."""

    record: str
    field: str
    code: str
    sentence: str
    result: Result


KEPT, MENDED, REFUSED = Result.KEPT, Result.MENDED, Result.REFUSED

# Each code with its sentence and the result for the record.
CATALOGUE: Mapping[str, tuple[str, Result]] = MappingProxyType(
    {
        "not_json": ("The file is not JSON, so nothing in it was read.", REFUSED),
        "characters_replaced": ("A character that no program can read was replaced.", MENDED),
        "pages_missing": (
            "This is not the whole feed: it says that there are more pages or records. Nothing of it was "
            "taken. Send all its pages in one list.",
            REFUSED,
        ),
        "records_too_many": (
            "There are more than 50,000 records, so nothing of it was taken. Send it in parts, each a feed "
            "of its own.",
            REFUSED,
        ),
        "not_a_service": ("This is not a service record.", REFUSED),
        "id_missing": ("The record has no id; one was made from its names.", MENDED),
        "id_duplicate": ("The id comes more than once; the record changed last was taken.", REFUSED),
        "name_blank": ("The service has no name.", REFUSED),
        "spaces_removed": ("Spaces at the start or end were removed.", MENDED),
        "html_removed": ("HTML was turned into plain text.", MENDED),
        "script_removed": ("Script or an event handler was removed.", MENDED),
        "text_too_long": ("The text was far too long and was cut.", MENDED),
        "text_wrong_type": ("This should be a text; it was left out.", MENDED),
        "description_blank": ("There is no description.", KEPT),
        "description_only_html": ("The description is only HTML, with no words in it.", MENDED),
        "organisation_missing": ("No organisation is named.", KEPT),
        "url_no_scheme": ("The web address had no https:// in front; it was added.", MENDED),
        "url_unusable": ("The web address cannot be opened and was left out.", MENDED),
        "email_unusable": ("This is not an e-mail address; it was left out.", MENDED),
        "email_missing": ("There is no e-mail address, so the service cannot be asked by link.", KEPT),
        "telephone_unusable": ("This number cannot be dialled and was left out.", MENDED),
        "status_missing": ("There is no status, so the service is not offered.", KEPT),
        "status_unknown": ("The status is not one of the standard's, so the service is not offered.", KEPT),
        "assurance_missing": ("Nobody says when this entry was last checked.", KEPT),
        "assurance_stale": ("This entry was last checked more than 12 months ago.", KEPT),
        "assurance_unusable": ("The date of the last check cannot be right; it was left out.", MENDED),
        "need_missing": ("No need of ours is named, so a search by need will not find it.", KEPT),
        "term_unknown": ("A taxonomy term is not one that we know.", KEPT),
        "capacity_unknown": ("The capacity code is not one that we know; it was left out.", MENDED),
        "age_unusable": ("The age limits make no sense and were left out.", MENDED),
        "language_unknown": ("A language has neither a code nor a name that we know.", MENDED),
        "cost_unusable": ("A sum of money makes no sense and was left out.", MENDED),
        "cost_dates_unusable": (
            "The first or last day of a price is not a date such as 2026-06-30, so the price was left out.",
            MENDED,
        ),
        "cost_not_yet": ("A price holds only from a later day and was left out.", MENDED),
        "currency_foreign": ("A price is not in pounds; it is shown in its own currency.", KEPT),
        "cost_over": ("A price is past its last day and was left out.", MENDED),
        "schedule_unusable": (
            "The times cannot be read as a rule in full, so no dates are given; their text was kept.",
            MENDED,
        ),
        "schedule_dates_unusable": (
            "A first or last day of the times is not a date such as 2026-06-30.",
            MENDED,
        ),
        "schedule_fixed_offset": (
            "The times are at a fixed offset from UTC, so they move when the clocks change.",
            KEPT,
        ),
        "closing_unusable": (
            "The closing time cannot be read beside the opening time; it was left out.",
            MENDED,
        ),
        "schedule_of_place_unused": (
            "The opening times of a place were left out: the service has times of its own.",
            KEPT,
        ),
        "schedule_over": ("The times ended in the past.", KEPT),
        "location_missing": ("There is no location, so nothing can be said about distance.", KEPT),
        "coordinates_missing": ("There are no coordinates; the postcode's were taken.", MENDED),
        "coordinates_unusable": ("The coordinates are not in the United Kingdom and were left out.", MENDED),
        "coordinates_disagree": (
            "Coordinates and postcode are far apart; the postcode's were taken.",
            MENDED,
        ),
        "postcode_unusable": ("The postcode does not exist and was left out.", MENDED),
        "position_unknown": ("Neither coordinates nor a known postcode: no distance can be given.", KEPT),
    }
)


@dataclass(slots=True)
class Report:
    """Collects the defects of an import, each once for a record and field. Counts those above the limit."""

    found: dict[tuple[str, str, str], Defect] = field(default_factory=dict)
    left_out: int = 0

    def add(self, record: str, of_field: str, code: str) -> None:
        """Adds a defect of this record and field, by its code in the catalogue."""
        key = (record, of_field, code)
        if key in self.found:
            return
        if len(self.found) >= MAX_DEFECTS:
            self.left_out += 1
            return
        sentence, result = CATALOGUE[code]
        shown = "".join(c if c.isprintable() else " " for c in record)[:MAX_RECORD_ID_LENGTH]
        self.found[key] = Defect(shown, of_field, code, sentence, result)

    def defects(self) -> tuple[Defect, ...]:
        """All defects collected, in their order."""
        return tuple(self.found.values())
