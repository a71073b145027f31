"""Places by postcode: what we know, what we cannot know, and distances between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.localities.postcodes import (
    distance_km,
    exists,
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
