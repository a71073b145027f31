"""Places by postcode: what we know, what we cannot know, and distances between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.localities.postcodes import (
    distance_from,
    distance_km,
    exists,
    is_pseudo,
    lookup,
    normalise,
    outward_code,
    places,
)

KNOWN = [place.postcode for place in places()]
degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def test_a_practice_s_postcode() -> None:
    place = lookup("st36ab")
    assert place is not None
    assert (place.postcode, place.outward, place.imd_decile, place.ward) == (
        "ST3 6AB",
        "ST3",
        2,
        "Meir North",
    )
    assert place.lsoa == "E01014368"
    assert place.position == pytest.approx((52.978488, -2.102929))


def test_an_st_postcode_must_exist() -> None:
    assert exists("ST3 6AB")
    assert not exists("ST3 9ZZ")
    assert lookup("ST3 9ZZ") is None


def test_another_area_s_postcode_is_taken_as_an_unknown_place() -> None:
    assert exists("cw3 9nq")
    assert lookup("CW3 9NQ") is None


@pytest.mark.parametrize(
    "written",
    ["", "ST3", "ST3 6", "ST3 6CV", "12345", "ST3 6ABX", "Stoke-on-Trent", "ſT3 6AB"],
)
def test_what_is_not_written_like_a_postcode(written: str) -> None:
    assert normalise(written) is None
    assert not exists(written)
    assert outward_code(written) is None


@pytest.mark.parametrize(
    "written", ["ZZ99 3VZ", "zz993vz", "ZZ99 3WZ", "ZZ99 3CZ", "ZZ99 1AB", "ZZ99\u00a07MV"]
)
def test_pseudo_postcode_is_no_place(written: str) -> None:
    assert is_pseudo(written)
    assert normalise(written) is None
    assert outward_code(written) is None
    assert lookup(written) is None
    assert not exists(written)
    assert distance_from((53.0, -2.1), written) is None


@pytest.mark.parametrize("written", ["ZZ1 1ZZ", "QQ3 6AB", "X1 1AA"])
def test_postcode_of_no_area_is_invented(written: str) -> None:
    assert normalise(written) == written
    assert not is_pseudo(written)
    assert not exists(written)
    assert outward_code(written) is None
    assert distance_from((53.0, -2.1), written) is None


@pytest.mark.parametrize(
    "written",
    ["ST3\u00a06AB", "ST3\u20136AB", "\ufeffst3 6ab\u200b", "ST3-6AB", "ST36AB.", "ST3\u2009\u20116AB"],
)
def test_postcode_pasted_from_elsewhere_is_cleaned(written: str) -> None:
    assert normalise(written) == "ST3 6AB"


@pytest.mark.parametrize(
    ("postcode", "least", "most"), [("ST13 6JB", 14, 16), ("TR1 1AA", 350, 400), ("CW3 9NQ", 15, 45)]
)
def test_distance_to_another_area_is_about_right(postcode: str, least: float, most: float) -> None:
    meir = lookup("ST3 6AB")
    assert meir is not None
    far = distance_from(meir.position, postcode)
    assert far is not None
    assert least < far < most


@given(st.sampled_from(KNOWN), st.data())
def test_case_and_spaces_do_not_matter(postcode: str, data: st.DataObject) -> None:
    loose = "".join(
        (letter.lower() if data.draw(st.booleans()) else letter) + data.draw(st.sampled_from(["", " ", "\t"]))
        for letter in postcode.replace(" ", "")
    )
    assert normalise(loose) == postcode
    assert exists(loose)


@given(st.text(max_size=12))
def test_any_text_is_answered(written: str) -> None:
    found = normalise(written)
    assert found is None or normalise(found) == found
    assert not exists(written) or found is not None


@given(degrees, degrees)
def test_distance_is_symmetric_and_within_half_the_globe(
    here: tuple[float, float], there: tuple[float, float]
) -> None:
    there_and_back = distance_km(here, there), distance_km(there, here)
    assert there_and_back[0] == pytest.approx(there_and_back[1], abs=1e-6)
    assert 0 <= there_and_back[0] <= 20016
    assert distance_km(here, here) == 0


def test_a_distance_that_can_be_checked_on_a_map() -> None:
    meir, leek = lookup("ST3 6AB"), lookup("ST13 6JB")
    assert meir is not None
    assert leek is not None
    assert distance_km(meir.position, leek.position) == pytest.approx(15.2, abs=0.2)
