"""Languages by code of either length or by name, and values that are no language."""

from __future__ import annotations

import pytest

from services.matching.directory.feed import read_directory
from shared.platform.languages import language_code, language_name, same_language
from tests.harness.feed.records import TODAY, lunch_club


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("pl", "pl"),
        ("pol", "pl"),
        ("POL ", "pl"),
        ("Polish", "pl"),
        ("cze", "cs"),
        ("en-GB", "en"),
        ("zh_Hant", "zh"),
        ("BSL", "bfi"),
        ("bsl", "bfi"),
        ("British  Sign Language", "bfi"),
        ("bfi", "bfi"),
        ("Farsi", "fa"),
        ("Mandarin", "cmn"),
        ("punjabi", "pa"),
        ("Latvian", "lv"),
    ],
)
def test_language_in_any_spelling_has_one_code(written: str, code: str) -> None:
    assert language_code(written) == code


@pytest.mark.parametrize(
    "written", ["any", "all", "ALL", "mul", "und", "xx", "", "x", "Klingonish", "en;drop"]
)
def test_unknown_language_has_no_code(written: str) -> None:
    assert language_code(written) is None


def test_languages_any_and_all_are_not_languages() -> None:
    languages = [
        {"code": "BSL"},
        {"code": "any"},
        {"name": "All"},
        {"code": "pol", "name": "Polish"},
        {"name": 3},
    ]
    imported = read_directory(lunch_club(languages=languages), "tests", TODAY)
    assert imported.services[0].languages == ("bfi", "pl")
    assert [defect.code for defect in imported.defects] == ["language_unknown"]


@pytest.mark.parametrize(
    ("one", "other", "same"), [("pol", "pl", True), ("cmn", "zh", True), ("pl", "pt", False)]
)
def test_same_language_compares_codes_of_any_length(one: str, other: str, same: bool) -> None:
    assert same_language(one, other) is same


def test_language_name_of_unknown_code_is_the_code() -> None:
    assert (language_name("yue"), language_name("x-1")) == ("Yue Chinese", "x-1")
