"""Titles of pages about one referral: a reference tells two tabs apart, and nothing in it tells who it is."""

import re
from pathlib import Path

import pytest

from shared.platform.web.references import short_reference

_SERVICES = Path(__file__).parents[3] / "services"
_TITLE = re.compile(r"{% block title %}(.*){% endblock %}")
_NAMES = re.compile(r"name|person|telephone", re.IGNORECASE)

PAGES = sorted(
    path for path in _SERVICES.rglob("templates/*/*.html") if _TITLE.search(path.read_text("utf-8"))
)
_MATCHING = "ask ask-code ask-name book case hand-over meeting no-longer-wants plan prescription rebook"
_REFERRAL = "another-time contact erase followed slip withdraw"
ONE_REFERRAL = [f"matching/{name}.html" for name in _MATCHING.split()] + [
    f"referral/{name}.html" for name in _REFERRAL.split()
]


def _title(path: Path) -> str:
    found = _TITLE.search(path.read_text("utf-8"))
    assert found is not None
    return found.group(1)


def test_short_reference_is_the_random_end() -> None:
    assert short_reference("019ac0de-0000-7000-8000-0000000a1b2c") == "0a1b2c"


@pytest.mark.parametrize("page", ONE_REFERRAL)
def test_title_of_one_referral_holds_a_reference(page: str) -> None:
    (path,) = [each for each in PAGES if f"{each.parent.name}/{each.name}" == page]
    assert "| short_reference }}" in _title(path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_title_of_any_page_names_no_person(path: Path) -> None:
    asked_for = re.findall(r"{{(.*?)}}", _title(path))
    assert not [each for each in asked_for if _NAMES.search(each) and each.strip() != "listing.name"]
