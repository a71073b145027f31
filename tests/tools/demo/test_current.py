"""Today's forty referrals: taken by the referral service's own checks, and of nobody who exists."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from deploy.demo.current import CurrentReferral, current_referrals
from deploy.development.settings import USERS_FILE
from deploy.development.users import load_users
from services.referral.intake.schemas import ReferralRequest
from services.referral.intake.validation import practice_of, validate
from shared.platform.localities import load_localities

PROGRAMME = load_localities()
TODAY = date(2026, 11, 22)
REFERRALS = current_referrals(TODAY, PROGRAMME)


@pytest.mark.parametrize("referral", REFERRALS, ids=lambda one: one.key)
def test_it_is_taken(referral: CurrentReferral) -> None:
    practice, locality = practice_of(referral.practice, PROGRAMME, TODAY)
    validate(ReferralRequest.model_validate(referral.body), practice, locality, TODAY)


def test_forty_over_all_localities() -> None:
    found = Counter(PROGRAMME.of_practice(one.practice) for one in REFERRALS)
    assert len(REFERRALS) == 40
    assert set(found.values()) == {5}


def test_each_practice_has_a_referrer() -> None:
    users = load_users(USERS_FILE).users.values()
    covered = {code for user in users if user.role == "referrer" for code in user.practices}
    assert {one.practice for one in REFERRALS} <= covered


def test_numbers_belong_to_nobody() -> None:
    numbers = [one.body["nhs_number"] for one in REFERRALS if "nhs_number" in one.body]
    assert all(number.startswith("999") for number in numbers)
    assert len(set(numbers)) == len(numbers) > 30
    telephones = [one.body["telephone"] for one in REFERRALS]
    assert all(telephone.startswith(("07700 900", "01632 960")) for telephone in telephones)
    assert len(set(telephones)) == 40


def test_the_same_day_gives_the_same_people_under_the_same_keys() -> None:
    assert current_referrals(TODAY, PROGRAMME) == REFERRALS
    assert len({one.key for one in REFERRALS}) == 40


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2026, 1, 1), date(2030, 12, 31)])
def test_people_are_old_enough_on_any_day(today: date) -> None:
    for referral in current_referrals(today, PROGRAMME):
        practice, locality = practice_of(referral.practice, PROGRAMME, today)
        assert validate(ReferralRequest.model_validate(referral.body), practice, locality, today).age >= 18
