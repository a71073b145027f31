"""The practice and the partner that join while the demonstration plays."""

from datetime import date

from deploy.demo.current import REFERRALS, current_referrals, referral_of
from deploy.demo.newcomers import LOCALITY, PRACTICE, SOURCE, with_newcomers
from deploy.development.settings import USERS_FILE
from deploy.development.users import load_users
from services.referral.intake.schemas import ReferralRequest
from services.referral.intake.validation import practice_of, validate
from shared.platform.localities import load_localities
from shared.platform.localities.differences import differences
from shared.platform.localities.loading import localities_of
from tests.harness.control import shipped, without_locality

TODAY = date(2026, 11, 22)


def test_newcomers_join_the_shipped_table_once() -> None:
    grown = with_newcomers(shipped())
    assert grown is not None
    assert differences(shipped(), grown) == [
        f"locality {LOCALITY}: practice {PRACTICE} is new.",
        f"locality {LOCALITY}: source walking-group is new.",
    ]
    assert with_newcomers(grown) == grown
    table = localities_of(grown, "a document")
    assert SOURCE in table.partners()
    assert load_localities().of_practice(PRACTICE) is None


def test_newcomers_need_their_locality() -> None:
    assert with_newcomers(without_locality(shipped(), LOCALITY)) is None


def test_referral_of_the_new_practice_is_taken() -> None:
    grown = with_newcomers(shipped())
    assert grown is not None
    table = localities_of(grown, "a document")
    practice, locality = practice_of(PRACTICE, table, TODAY)
    referral = referral_of(REFERRALS, practice, TODAY)
    validate(ReferralRequest.model_validate(referral.body), practice, locality, TODAY)
    assert referral.key not in {each.key for each in current_referrals(TODAY, load_localities())}
    users = load_users(USERS_FILE).users.values()
    assert any(user.role == "referrer" and PRACTICE in user.practices for user in users)
