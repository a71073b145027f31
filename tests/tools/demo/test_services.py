"""The demonstration's directory: believable, plainly invented, and as faulty as a real feed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from deploy.demo.services import directory_documents
from services.matching.directory.feed import Import, Service, next_sessions, read_directory
from shared.contract.events.vocabulary import Need
from shared.platform.localities import load_localities
from shared.platform.localities.postcodes import lookup

LOADED_ON = date(2027, 3, 3)
IMPORTS: dict[str, Import] = {
    slug: read_directory(document, f"demo-{slug}", LOADED_ON)
    for slug, document in directory_documents(LOADED_ON).items()
}
SERVICES = [service for imported in IMPORTS.values() for service in imported.services]


def needs(slug: str) -> set[Need]:
    return {need for service in IMPORTS[slug].services for need in service.needs}


def test_about_eighty_in_eight_localities() -> None:
    assert set(IMPORTS) == {locality.slug for locality in load_localities().real}
    assert 75 <= len(SERVICES) <= 90
    assert len({service.id for service in SERVICES}) == len(SERVICES)


def test_one_locality_has_no_debt_advice_and_the_others_have() -> None:
    assert [slug for slug in IMPORTS if Need.DEBT not in needs(slug)] == ["leek-werrington"]


def test_every_need_on_the_form_is_answered_somewhere() -> None:
    assert {need for slug in IMPORTS for need in needs(slug)} == set(Need) - {Need.NOT_SURE, Need.SENSITIVE}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_services_cannot_be_mistaken_for_real_ones(service: Service) -> None:
    assert service.name.endswith("(example)")
    assert service.email is None or service.email.endswith(".example")
    assert service.telephone is None or service.telephone.startswith("01632 960")
    assert service.url is None or ".example/" in service.url
    for place in service.locations:
        assert place.postcode is None or lookup(place.postcode) is not None


def test_services_vary_in_times_prices_and_contacts() -> None:
    now = datetime(2027, 3, 3, 9, tzinfo=UTC)
    days = Counter(
        session.starts_at.strftime("%a") for one in SERVICES for session in next_sessions(one.schedules, now)
    )
    assert len(days) == 7
    assert {service.step_free for service in SERVICES} == {True, False, None}
    assert {service.free for service in SERVICES} == {True, False, None}
    assert len({service.capacity for service in SERVICES}) == 4


def test_it_has_the_defects_of_real_feeds_and_is_survived() -> None:
    found = {defect.code for imported in IMPORTS.values() for defect in imported.defects}
    assert found >= {
        "name_blank",
        "id_duplicate",
        "html_removed",
        "script_removed",
        "description_only_html",
        "text_too_long",
        "organisation_missing",
        "url_no_scheme",
        "spaces_removed",
        "assurance_stale",
        "coordinates_missing",
        "position_unknown",
        "status_unknown",
        "schedule_unusable",
    }


@pytest.mark.parametrize("loaded_on", [date(2025, 1, 7), date(2026, 11, 22), date(2031, 8, 1)])
def test_it_does_not_grow_stale_with_the_calendar(loaded_on: date) -> None:
    def stale(on: date) -> int:
        documents = directory_documents(on).items()
        found = [d.code for slug, page in documents for d in read_directory(page, slug, on).defects]
        assert "assurance_unusable" not in found
        return found.count("assurance_stale")

    assert stale(loaded_on) == stale(LOADED_ON)
