"""An attacker with a solver and all published figures recovers no count."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.evaluation.reports.programme import FiguresRequest, figures
from shared.contract.events import vocabulary as v
from tests.harness.evaluation.attackers_knowledge import PROGRAMME, WHOLE, At
from tests.harness.evaluation.example_referrals import ExampleReferral
from tests.harness.evaluation.solver import recovered
from tests.unit.evaluation.test_figures import CALENDAR, NAMES, Sums, a_year, added_up

Answers = dict[str, dict[str, Any]]


def answers(sums: Sums, *, exact: bool) -> Answers:
    """The answers of the API for each period."""
    periods = {WHOLE: CALENDAR.since_start} | {quarter.code: quarter for quarter in CALENDAR.quarters}
    return {
        name: figures(sums, NAMES, CALENDAR, FiguresRequest(tuple(NAMES), period, exact)).model_dump(
            mode="json"
        )
        for name, period in periods.items()
    }


def twice(example: ExampleReferral, before: int, after: int) -> None:
    """Answers all four questions before and after."""
    example.created()
    for stage, day, score in ((v.Stage.BEFORE, 5, before), (v.Stage.AFTER, 60, after)):
        on = example.start.date() + timedelta(days=day)
        example.ons4(stage, on, satisfied=score, worthwhile=score, happy=score, anxious=10 - score)


def seven_and_seven() -> Sums:
    """Seven people answered twice in each of two quarters."""
    examples = [
        ExampleReferral(n, start=datetime(2026, 2 if n > 7 else 5, 2, 9, tzinfo=UTC)) for n in range(1, 15)
    ]
    for example, before in zip(examples, (4, 3, 3, 4, 4, 3, 5, 4, 2, 3, 5, 4, 3, 4), strict=True):
        twice(example, before, before + example.number % 4)
    return added_up(examples)


def with_hundredths(published: Answers, exact: Mapping[str, Mapping[str, Any]]) -> Answers:
    """The same figures with means to two decimals, as an earlier version published them."""
    for period, answer in published.items():
        for place, known in zip(answer["places"], exact[period]["places"], strict=True):
            for item, precise in zip(place["wellbeing"], known["wellbeing"], strict=True):
                if item["people"] != "*":
                    item |= {name: precise[name] for name in ("before", "after", "change")}
    return published


def test_solver_does_not_recover_7_and_7() -> None:
    sums = seven_and_seven()
    published, exact = answers(sums, exact=False), answers(sums, exact=True)
    assert published[WHOLE]["places"][0]["wellbeing"][0]["people"] == 15
    assert recovered(published, exact) == []


def test_means_to_two_decimals_would_reveal_a_count() -> None:
    """Checks the attacker: it recovers the count from the means of an earlier version."""
    sums = seven_and_seven()
    exact = answers(sums, exact=True)
    published = with_hundredths(answers(sums, exact=False), exact)
    assert At(PROGRAMME, WHOLE, ("people", "satisfied")) in recovered(published, exact)


# What the attacker solves grows faster than what is published: the larger years are CI's.
YEARS = (
    [(30, 1)] if os.environ.get("HYPOTHESIS_PROFILE", "usual") == "usual" else [(30, 1), (60, 2), (120, 3)]
)


@pytest.mark.parametrize(("count", "seed"), YEARS)
def test_solver_recovers_no_count(count: int, seed: int) -> None:
    sums = a_year(count, seed)
    assert recovered(answers(sums, exact=False), answers(sums, exact=True)) == []


def test_solver_recovers_no_count_from_equal_answers() -> None:
    """Means of 0 and 10 leave the least room, and no answer is worse."""
    examples = [
        ExampleReferral(n, f"{list(NAMES)[n % 3]}", datetime(2026, 2 + n % 6, 2, 9, tzinfo=UTC))
        for n in range(1, 121)
    ]
    for example in examples:
        twice(example, *((0, 10) if example.locality == "meir" else (5, 5) if example.number % 9 else (5, 6)))
    sums = added_up(examples)
    assert recovered(answers(sums, exact=False), answers(sums, exact=True)) == []


def test_percentage_of_nearly_equal_counts_is_a_range() -> None:
    """92% of 10 to 15 people is 11 of 12 or 12 of 13: shown as 10 of 10, or as 10 of 15."""
    examples = [ExampleReferral(n, start=datetime(2026, 3, 2, 9, tzinfo=UTC)) for n in range(1, 13)]
    for example in examples:
        example.created()
        if example.number > 1:
            example.attended(example.booked(3))
    met = answers(added_up(examples), exact=False)[WHOLE]["places"][0]["journey"][2]
    assert (met["settled"], met["percent_of_referred"]) == (10, "*")
    assert (met["percent_low"], met["percent_high"]) == (67, 100)
