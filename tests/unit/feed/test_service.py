"""Properties of a service that matching uses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.matching.directory.feed import Capacity, Service, read_directory
from shared.contract.events.vocabulary import Need, SensitiveNeed
from tests.harness.feed.records import TODAY, at_place, lunch_club


def service(**changed: object) -> Service:
    return read_directory(lunch_club(**changed), "tests", TODAY).services[0]


def test_service_of_clean_record_has_every_field() -> None:
    club = service()
    assert club.needs == (Need.BEFRIENDING,)
    assert club.capacity is Capacity.WAITLIST
    assert club.organisation == "Meir Lunches (example)"
    assert club.costs[0].amount == Decimal("4.50")
    assert club.costs[0].text == "a meal"
    assert club.languages == ("ur",)
    assert club.email == "hello@lunch.example"
    assert club.assured_on == date(2026, 2, 1)
    place = club.locations[0]
    assert (place.name, place.address, place.postcode) == (
        "Meir Community Centre",
        "1 Weston Road, Meir",
        "ST3 6AB",
    )


def test_service_stored_and_loaded_is_unchanged() -> None:
    club = service()
    assert Service.model_validate(club.model_dump(mode="json")) == club


def test_service_without_price_is_not_free() -> None:
    assert service(cost_options=[{"amount": 0}]).free is True
    assert service().free is False
    assert service(cost_options=None).free is None
    assert service(cost_options=None, fees="Donations welcome").free is None


def test_cost_text_names_subject_before_payer() -> None:
    option = {"option": "Everyone", "amount": 2, "amount_description": "a session"}
    assert service(cost_options=[option]).costs[0].words == "£2 a session (Everyone)"
    assert service(cost_options=[{"option": "Free", "amount": 0}]).costs[0].words == "Free"


@pytest.mark.parametrize(
    ("said", "step_free"),
    [
        ("Wheelchair access on all levels", True),
        ("Level access from the car park", True),
        ("There is no step-free access", False),
        ("Not suitable for wheelchair users", False),
        ("Three steps up to the door", False),
        ("Large print leaflets", None),
    ],
)
def test_step_free_is_true_false_or_unknown(said: str, step_free: bool | None) -> None:
    assert (
        service(service_at_locations=at_place(accessibility=[{"description": said}])).step_free is step_free
    )


def test_step_free_term_of_service_is_used() -> None:
    term = [{"taxonomy_term": {"taxonomy": "linkwork-access", "code": "not_step_free"}}]
    assert service(service_at_locations=at_place(accessibility=None), attributes=term).step_free is False


def test_age_at_either_limit_is_accepted() -> None:
    club = service(minimum_age=50, maximum_age=64)
    assert [club.takes_age(age) for age in (49, 50, 64, 65)] == [False, True, True, False]
    assert service(minimum_age=None).takes_age(18)


@pytest.mark.parametrize(
    ("limits", "ages"),
    [
        ({"minimum_age": 0, "maximum_age": 0}, (0, None)),
        ({"minimum_age": None, "maximum_age": 0}, (None, None)),
        ({"minimum_age": 18, "maximum_age": 0}, (18, None)),
        ({"minimum_age": "18", "maximum_age": "65"}, (18, 65)),
        ({"minimum_age": "1" * 5000, "maximum_age": 65}, (None, 65)),
    ],
)
def test_maximum_age_zero_is_ignored(limits: dict[str, object], ages: tuple[int | None, int | None]) -> None:
    club = service(**limits)
    assert (club.minimum_age, club.maximum_age) == ages
    assert club.takes_age(40)


def test_needs_are_read_by_code_or_other_name() -> None:
    def terms(*named: dict[str, str]) -> list[dict[str, dict[str, str]]]:
        return [{"taxonomy_term": one} for one in named]

    by_name = service(attributes=terms({"name": "Debt advice "}, {"code": "4711", "name": "WELFARE RIGHTS"}))
    assert by_name.needs == (Need.DEBT, Need.BENEFITS)
    hidden = service(attributes=terms({"name": "Gambling support"}))
    assert hidden.needs == ()
    assert hidden.sensitive_needs == (SensitiveNeed.GAMBLING,)
    assert service(attributes=terms({"code": "sensitive"}, {"code": "not_sure"})).needs == ()


@pytest.mark.parametrize(
    ("day", "months"),
    [(date(2026, 2, 1), 0), (date(2026, 3, 1), 1), (date(2027, 1, 31), 11), (date(2027, 2, 1), 12)],
)
def test_months_since_assured_are_whole_months(day: date, months: int) -> None:
    assert service().months_since_assured(day) == months
    assert service(assured_date=None).months_since_assured(day) is None
