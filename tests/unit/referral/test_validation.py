"""Validation refuses with a code beside the field, and never repeats the input."""

from datetime import date
from typing import Any

import pytest

from services.referral.identity.person import plain_text
from services.referral.intake.address import distance_warning
from services.referral.intake.schemas import FIELDS, ReferralRequest
from services.referral.intake.validation import ValidatedReferral, check_route, practice_of, validate
from services.referral.web.errors import ValidationFailed
from shared.contract.events import vocabulary as v
from shared.platform.localities import load_localities
from tests.harness.referral.people import referral_body

LOCALITIES = load_localities()
TODAY = date(2026, 11, 24)


def judged(**different: Any) -> ValidatedReferral:
    request = ReferralRequest.model_validate(referral_body(**different))
    practice, locality = practice_of(request.practice, LOCALITIES, TODAY)
    return validate(request, practice, locality, TODAY)


def refusals(**different: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        judged(**different)
    return {error.pointer: error.code for error in refused.value.errors}


@pytest.mark.parametrize(
    ("different", "pointer", "code"),
    [
        ({"nhs_number": "9990000019"}, "/nhs_number", "nhs_number_check_digit"),
        ({"nhs_number": "999000001"}, "/nhs_number", "nhs_number_length"),
        ({"nhs_number": "not known"}, "/nhs_number", "nhs_number_length"),
        ({"date_of_birth": None}, "/date_of_birth", "missing"),
        ({"date_of_birth": "2026-11-25"}, "/date_of_birth", "date_of_birth_future"),
        ({"date_of_birth": "2008-11-25"}, "/date_of_birth", "under_minimum_age"),
        ({"date_of_birth": "1890-01-01"}, "/date_of_birth", "date_of_birth_too_long_ago"),
        ({"given_name": "..."}, "/given_name", "name_blank"),
        ({"family_name": "<b>"}, "/family_name", "name_characters"),
        ({"family_name": None}, "/family_name", "missing"),
        ({"house": None}, "/house", "missing"),
        ({"postcode": None}, "/postcode", "missing"),
        ({"postcode": "ST3 9ZZ"}, "/postcode", "postcode_unknown"),
        ({"postcode": "nowhere"}, "/postcode", "postcode_unknown"),
        ({"postcode": "ZZ1 1ZZ"}, "/postcode", "postcode_unknown"),
        ({"postcode": "ZZ1 1ZZ", "postcode_confirmed": "ZZ1 1ZX"}, "/postcode", "postcode_unknown"),
        ({"postcode": "nowhere", "postcode_confirmed": "nowhere"}, "/postcode", "postcode_unknown"),
        ({"nhs_number": "1111111111"}, "/nhs_number", "nhs_number_placeholder"),
        ({"telephone": "077OO 9OO123"}, "/telephone", "telephone_letters"),
        ({"telephone": "07911 123 mum"}, "/telephone", "telephone_letters"),
        ({"telephone": "12345"}, "/telephone", "telephone_invalid"),
        ({"telephone": None}, "/telephone", "missing"),
        ({"telephone": None, "safe_to_text": "ring"}, "/telephone", "missing"),
        ({"telephone": "01632 960001"}, "/telephone", "telephone_no_texts"),
        ({"email": "somebody at example"}, "/email", "email_invalid"),
        ({"safe_to_text": None}, "/safe_to_text", "missing"),
        ({"needs": []}, "/needs", "missing"),
        ({"risk": None}, "/risk", "missing"),
        ({"risk": "see_note"}, "/risk_line", "missing"),
        ({"risk": "none_known", "risk_line": "A dog"}, "/risk", "risk_contradiction"),
        ({"agreed": False}, "/agreed", "no_agreement"),
        ({"agreed_by": None}, "/agreed_by", "missing"),
        ({"agreed_how": None}, "/agreed_how", "missing"),
    ],
)
def test_one_invalid_field_gives_its_error(different: dict[str, Any], pointer: str, code: str) -> None:
    assert refusals(**different) == {pointer: code}


@pytest.mark.parametrize(
    ("practice", "code"),
    [(None, "missing"), ("Z99999", "practice_unknown"), ("nonsense", "practice_unknown")],
)
def test_unknown_practice_is_refused(practice: str | None, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        practice_of(practice, LOCALITIES, TODAY)
    assert [(e.pointer, e.code) for e in refused.value.errors] == [("/practice", code)]


def test_practice_outside_is_given_the_hubs_contact() -> None:
    inside = {practice.ods for locality in LOCALITIES for practice in locality.practices}
    outside = next(
        code
        for code in ("M83001", "M83005", "M83011", "M83014")
        if code not in inside and LOCALITIES.practice(code)
    )
    with pytest.raises(ValidationFailed) as refused:
        practice_of(outside, LOCALITIES, TODAY)
    (error,) = refused.value.errors
    assert error.code == "practice_outside"
    assert "not in the programme yet" in error.detail
    assert LOCALITIES.hub.telephone in error.detail


def test_practice_before_its_locality_is_live_is_outside() -> None:
    with pytest.raises(ValidationFailed) as refused:
        practice_of("M83100", LOCALITIES, date(2025, 1, 5))
    assert refused.value.errors[0].code == "practice_outside"


def test_younger_person_is_given_the_local_contact() -> None:
    with pytest.raises(ValidationFailed) as refused:
        judged(date_of_birth="2010-01-01")
    assert "01632 960111" in refused.value.errors[0].detail


def test_person_on_the_eighteenth_birthday_is_old_enough() -> None:
    assert judged(date_of_birth="2008-11-24").age == 18


def test_errors_of_an_empty_request_are_in_form_order() -> None:
    with pytest.raises(ValidationFailed) as refused:
        validate(ReferralRequest.model_validate({}), *practice_of("M83100", LOCALITIES, TODAY), TODAY)
    fields = [error.field for error in refused.value.errors]
    assert fields == sorted(fields, key=FIELDS.index)
    assert set(fields) >= {"date_of_birth", "family_name", "needs", "risk", "agreed", "safe_to_text"}


def test_error_never_repeats_the_input() -> None:
    typed = {
        "nhs_number": "9990000019",
        "given_name": "<Zebedee>",
        "family_name": "Ormskirk\x07",
        "postcode": "ZZ99 9ZZ",
        "telephone": "07700 123456 ask for Zeb",
        "email": "zeb@",
        "date_of_birth": "2031-07-19",
    }
    with pytest.raises(ValidationFailed) as refused:
        judged(**typed)
    said = " ".join(error.detail + error.code + error.pointer for error in refused.value.errors)
    for text in ("9990000019", "Zeb", "Ormskirk", "ZZ99", "123456", "2031", "07-19"):
        assert text not in said


def test_accepted_details_are_in_normal_form() -> None:
    accepted = judged(
        nhs_number="999 000-0018",
        postcode="st36ab",
        telephone="(07700) 900 123",
        given_name="  Anne   Marie ",
    )
    person = accepted.person
    assert person.nhs_number == "9990000018"
    assert person.postcode == "ST3 6AB"
    assert person.telephone == "+447700900123"
    assert person.name.startswith("Anne Marie ")


def test_person_without_fixed_address_needs_none() -> None:
    person = judged(house=None, postcode=None, no_fixed_address=True).person
    assert person.house is None
    assert person.postcode is None


@pytest.mark.parametrize("written", ["ZZ99 3VZ", "zz993cz", "ZZ99\u00a07MV"])
def test_pseudo_postcode_means_no_fixed_address(written: str) -> None:
    person = judged(house=None, postcode=written).person
    assert person.house is None
    assert person.postcode is None


@pytest.mark.parametrize("written", ["ZZ1 1ZZ", "ST3 9ZZ"])
def test_unknown_postcode_once_confirmed_is_accepted(written: str) -> None:
    confirmed = written.lower().replace(" ", "")
    assert judged(postcode=written, postcode_confirmed=confirmed).person.postcode == written


def test_person_with_one_name_has_a_family_name() -> None:
    for given_name in (None, "  ", "\u200b"):
        person = judged(given_name=given_name, family_name="Suharto").person
        assert person.given_name is None
        assert person.name == "Suharto"


def test_pasted_details_are_cleaned_and_accepted() -> None:
    person = judged(
        nhs_number="999\u00a0000\u20110018\u200b",
        given_name="\ufeffMary\u2013Jane",
        family_name="Smith\u2212Jones\u00a0",
        house="1\u00a0Example\u200b Street",
        postcode="ST3\u00a06AB",
        telephone="07700\u2011900\u2013123",
        email="\u200bmary@example.org",
    ).person
    assert person.nhs_number == "9990000018"
    assert person.name == "Mary-Jane Smith-Jones"
    assert person.house == "1 Example Street"
    assert person.postcode == "ST3 6AB"
    assert person.telephone == "+447700900123"
    assert person.email == "mary@example.org"


@pytest.mark.parametrize("route", ["hub", "hospital", "council", "self"])
def test_route_of_others_from_a_practice_is_refused(route: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_route("referrer", v.Route(route))
    assert [(e.pointer, e.code) for e in refused.value.errors] == [("/route", "route_not_yours")]
    check_route("service", v.Route(route))


@pytest.mark.parametrize("route", ["practice", "care_navigator"])
def test_route_of_the_practice_is_accepted(route: str) -> None:
    check_route("referrer", v.Route(route))


@pytest.mark.parametrize(
    ("postcode", "far"),
    [("ST3 6AB", False), ("ST13 6JB", False), ("CW3 9NQ", False), ("DE6 1AA", False), ("TR1 1AA", True)],
)
def test_postcode_far_from_the_practice_gives_a_warning(postcode: str, far: bool) -> None:
    practice, _ = practice_of("M83100", LOCALITIES, TODAY)
    assert (distance_warning(practice, postcode) is not None) is far
    assert distance_warning(practice, None) is None


def test_sensitive_need_is_only_called_sensitive() -> None:
    accepted = judged(needs=["debt"], sensitive_needs=["abuse", "gambling"])
    assert accepted.needs == (v.Need.DEBT, v.Need.SENSITIVE)
    assert judged(needs=[], sensitive_needs=["abuse"]).needs == (v.Need.SENSITIVE,)


def test_needs_given_twice_count_once() -> None:
    assert judged(needs=["debt", "debt", "craft"]).needs == (v.Need.DEBT, v.Need.CRAFT)


def test_free_text_keeps_lines_and_loses_control_characters() -> None:
    assert plain_text("  one\r\ntwo\x00\x07 \u202e\u200b ") == "one\ntwo"
