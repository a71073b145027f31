"""Maps a feed's taxonomy terms to the programme's needs, to capacity and to access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.model import Capacity
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.text import plain_text
from shared.contract.events.vocabulary import Need, SensitiveNeed

NEEDS_TAXONOMY = "linkwork-needs"
CAPACITY_TAXONOMY = "linkwork-capacity"
ACCESS_TAXONOMY = "linkwork-access"

# Needs that a service can have. Sensitive needs have codes of their own in a directory.
DIRECTORY_NEEDS = frozenset(Need) - {Need.NOT_SURE, Need.SENSITIVE}

# Names of the same needs in other directories.
OTHER_NAMES: Mapping[str, Need | SensitiveNeed] = MappingProxyType(
    {
        "debt advice": Need.DEBT,
        "managing debt": Need.DEBT,
        "money advice": Need.DEBT,
        "benefits advice": Need.BENEFITS,
        "welfare benefits": Need.BENEFITS,
        "welfare rights": Need.BENEFITS,
        "employment": Need.JOB,
        "employment support": Need.JOB,
        "job club": Need.JOB,
        "jobs and training": Need.JOB,
        "homelessness": Need.HOUSING,
        "housing advice": Need.HOUSING,
        "befriending and lunch clubs": Need.BEFRIENDING,
        "loneliness": Need.BEFRIENDING,
        "lunch club": Need.BEFRIENDING,
        "lunch clubs": Need.BEFRIENDING,
        "social groups": Need.BEFRIENDING,
        "leisure": Need.EXERCISE,
        "leisure and exercise": Need.EXERCISE,
        "physical activity": Need.EXERCISE,
        "sport": Need.EXERCISE,
        "getting outdoors": Need.OUTDOORS,
        "nature": Need.OUTDOORS,
        "walking": Need.OUTDOORS,
        "walking group": Need.OUTDOORS,
        "allotments": Need.GARDENING,
        "animal care": Need.GARDENING,
        "gardening and animal care": Need.GARDENING,
        "arts and crafts": Need.CRAFT,
        "craft groups": Need.CRAFT,
        "crafts": Need.CRAFT,
        "carers": Need.CARING,
        "carers support": Need.CARING,
        "carers' support": Need.CARING,
        "bereavement support": Need.BEREAVEMENT,
        "domestic abuse": SensitiveNeed.ABUSE,
        "alcohol": SensitiveNeed.SUBSTANCES,
        "drugs and alcohol": SensitiveNeed.SUBSTANCES,
        "substance misuse": SensitiveNeed.SUBSTANCES,
        "gambling support": SensitiveNeed.GAMBLING,
        "asylum and immigration": SensitiveNeed.IMMIGRATION,
        "immigration advice": SensitiveNeed.IMMIGRATION,
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """The meaning of a record's taxonomy terms."""

    needs: tuple[Need, ...]
    sensitive: tuple[SensitiveNeed, ...]
    capacity: Capacity | None
    step_free: bool | None


def read_terms(record: Record, record_id: str, report: Report) -> Terms:
    """Reads the terms among a record's attributes."""
    needs: list[Need] = []
    sensitive: list[SensitiveNeed] = []
    capacity: Capacity | None = None
    step_free: bool | None = None
    for attribute in records_in(record, "attributes"):
        term = attribute.get("taxonomy_term")
        if not isinstance(term, Mapping):
            continue
        taxonomy, labels = _taxonomy(term), _labels(term, record_id, report)
        if taxonomy == CAPACITY_TAXONOMY:
            capacity = next((code for code in Capacity if code.value in labels), None)
            if capacity is None:
                report.add(record_id, "attributes", "capacity_unknown")
        elif taxonomy == ACCESS_TAXONOMY:
            step_free = "step_free" in labels
        else:
            known = next(filter(None, map(_need, labels)), None)
            if isinstance(known, Need):
                needs.append(known)
            elif isinstance(known, SensitiveNeed):
                sensitive.append(known)
            else:
                report.add(record_id, "attributes", "term_unknown")
    if not needs and not sensitive:
        report.add(record_id, "attributes", "need_missing")
    return Terms(tuple(dict.fromkeys(needs)), tuple(dict.fromkeys(sensitive)), capacity, step_free)


def _need(label: str) -> Need | SensitiveNeed | None:
    own = next((need for need in DIRECTORY_NEEDS if need.value == label), None)
    hidden = next((need for need in SensitiveNeed if need.value == label), None)
    return own or hidden or OTHER_NAMES.get(label)


def _taxonomy(term: Record) -> str:
    detail = term.get("taxonomy_detail")
    named = detail.get("name") if isinstance(detail, Mapping) else term.get("taxonomy")
    return named.strip().lower() if isinstance(named, str) else ""


def _labels(term: Record, record_id: str, report: Report) -> list[str]:
    # The UK profile's examples put a term's code in `term`, HSDS in `code`. Many feeds have only a name.
    labels = []
    for key in ("code", "term", "name"):
        value = term.get(key)
        if not isinstance(value, str):
            continue
        if value != value.strip():
            report.add(record_id, f"attributes.{key}", "spaces_removed")
        words = plain_text(value, 200).text.casefold().replace("\u2019", "'").split()
        labels.append(" ".join(words))
    return labels
