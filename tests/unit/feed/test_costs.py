"""Prices that are valid today, in pounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.matching.directory.feed import Cost, read_directory
from tests.harness.feed.records import TODAY, lunch_club


def costs(*options: dict[str, Any], **changed: Any) -> tuple[Cost, ...]:
    record = lunch_club(cost_options=list(options), **changed)
    return read_directory(record, "tests", TODAY).services[0].costs


@pytest.mark.parametrize(
    "period",
    [
        {"valid_from": "2026-06-16"},
        {"valid_to": "2026-06-14"},
        {"valid_to": "31/12/2099"},
        {"valid_from": "last spring"},
        {"valid_to": 20301231},
        {"valid_to": {"on": "2030-12-31"}},
    ],
)
def test_price_not_valid_today_is_left_out(period: dict[str, Any]) -> None:
    assert costs({"amount": 3, **period}, fees="Ask us") == (Cost(amount=None, text="Ask us"),)


@pytest.mark.parametrize(
    "period",
    [
        {},
        {"valid_from": "2026-06-15", "valid_to": "2026-06-15"},
        {"valid_from": "2020-01-01T00:00:00Z", "valid_to": None},
        {"valid_from": "", "valid_to": "9999-12-31"},
    ],
)
def test_price_valid_today_is_kept(period: dict[str, Any]) -> None:
    assert costs({"amount": 3, **period})[0].amount == Decimal(3)


@pytest.mark.parametrize("currency", ["GBP", "gbp", "£", " Pounds ", None, ""])
def test_pounds_in_any_spelling_are_pounds(currency: str | None) -> None:
    assert costs({"amount": "1,250", "currency": currency})[0].words == "£1250"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"amount": 35, "currency": "EUR", "amount_description": "a session"}, "35.00 EUR a session"),
        ({"amount": 35, "currency": "$"}, "35.00 $"),
        ({"amount": 0, "currency": "EUR"}, "Free"),
    ],
)
def test_other_currency_is_never_shown_as_pounds(option: dict[str, Any], words: str) -> None:
    (cost,) = costs(option)
    assert cost.words == words
    assert not cost.amount


def test_price_in_unknown_currency_is_left_out() -> None:
    assert costs({"amount": 35, "currency": {"code": "EUR"}}) == ()
