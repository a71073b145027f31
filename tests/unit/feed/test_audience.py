"""Services for men or for women, recognised from their listings."""

from __future__ import annotations

from typing import Any

import pytest

from services.matching.directory.feed import Audience, read_directory
from tests.harness.feed.records import TODAY, lunch_club


def audience(name: str, description: str = "Company and a hot meal.", **changed: Any) -> Audience | None:
    record = lunch_club(name=name, description=description, **changed)
    return read_directory(record, "tests", TODAY).services[0].audience


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Meir Women's Group", "Company."),
        ("Stoke Women\u2019s Aid", "Help after abuse."),
        ("Ladies that lunch", "A hot meal."),
        ("Mums' coffee morning", "Bring the children."),
        ("Friday craft", "A women-only space."),
        ("Friday craft", "A group for isolated women of Meir."),
        ("Friday craft", "Support for young mothers."),
        ("Girls' football", "For beginners."),
        ("Women's gym", "Everyone welcome, whatever your size."),
    ],
)
def test_listing_for_women_is_marked(name: str, description: str) -> None:
    assert audience(name, description) is Audience.WOMEN


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Men in Sheds", "Tools and tea."),
        ("Longton Men\u2019s Shed", "Tools and tea."),
        ("Andy's club", "A talking group for men."),
        ("Dads' breakfast", "Bring the children."),
    ],
)
def test_listing_for_men_is_marked(name: str, description: str) -> None:
    assert audience(name, description) is Audience.MEN


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Lunch club", "Everyone welcome, men and women."),
        ("Men in Sheds", "Women are welcome too."),
        ("Men's Shed", "We welcome women on Thursdays."),
        ("Women's Aid", "Help for women and for men."),
        ("Mums and dads", "Bring the children."),
        ("Bingo", "At Longton Working Men's Club."),
        ("Bingo at Meir Working Mens Club", "Tuesdays."),
        ("Menopause caf\u00e9", "Talk over tea."),
        ("Mental health drop-in", "Run by two women from Meir."),
        ("Walking group", "Regardless of gender."),
        ("Our Lady's church lunch", "A hot meal."),
        ("Environment group", "Amends gardens with management."),
    ],
)
def test_listing_for_everybody_is_not_marked(name: str, description: str) -> None:
    assert audience(name, description) is None


def test_eligibility_or_terms_mark_a_listing() -> None:
    assert audience("Craft", eligibility_description="Women only") is Audience.WOMEN
    terms = [{"taxonomy_term": {"name": "Men only"}}, {"taxonomy_term": {"name": "Craft groups"}}]
    assert audience("Craft", attributes=terms) is Audience.MEN
    assert audience("Craft", attributes=[*terms, {"taxonomy_term": {"name": "Women"}}]) is None
