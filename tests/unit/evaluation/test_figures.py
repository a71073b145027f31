"""Figures made from sums, exact and published."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

import pytest

from services.evaluation.contributions.contribution import contribution_of
from services.evaluation.contributions.measures import MeasureKey
from services.evaluation.disclosure.view import DisclosedCount
from services.evaluation.reports.model import Figures, PlaceFigures
from services.evaluation.reports.programme import FiguresRequest, figures
from services.evaluation.totals.periods import Calendar
from services.evaluation.totals.totals import PROGRAMME
from shared.contract.events import vocabulary as v
from shared.contract.history import fold_referral
from tests.harness.evaluation.example_referrals import ExampleReferral, random_referral
from tests.harness.history.sources import RankedBy

NAMES: Final = {"meir": "Meir", "longton": "Longton", "shelton": "Shelton"}
CALENDAR: Final = Calendar(date(2026, 1, 5), date(2026, 8, 31))
Sums = dict[str, Counter[MeasureKey]]


def added_up(examples: list[ExampleReferral]) -> Sums:
    sums: Sums = {name: Counter() for name in NAMES}
    for example in examples:
        sums[example.locality].update(contribution_of(fold_referral(example.facts, RankedBy(lambda _: 1))))
    return sums


def a_year(count: int, seed: int = 3) -> Sums:
    random = Random(seed)
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return added_up(
        [
            random_referral(
                random, n, random.choice(list(NAMES)), start + timedelta(days=random.randint(0, 200))
            )
            for n in range(1, count + 1)
        ]
    )


def report(sums: Mapping[str, Counter[MeasureKey]], *, exact: bool, calendar: Calendar = CALENDAR) -> Figures:
    return figures(sums, NAMES, calendar, FiguresRequest(tuple(NAMES), calendar.since_start, exact))


def counts(place: PlaceFigures) -> dict[str, DisclosedCount]:
    """All counts of a place by section and code."""
    found: dict[str, DisclosedCount] = {f"journey {s.code}": s.people for s in place.journey}
    found |= {f"meetings {m.code}": m.meetings for m in place.meetings}
    found |= {f"missed {m.code}": m.did_not_come for m in place.meetings}
    found |= {f"why {share.code}": share.count for share in place.unmet.by_reason}
    found |= {f"need {share.code}": share.count for share in place.unmet.by_need}
    found |= {f"routes {r.code}": r.reached for r in place.routes}
    return found


def test_programme_is_first_and_the_sum_of_localities() -> None:
    programme, *localities = report(a_year(300), exact=True).places
    assert programme.place == PROGRAMME
    assert [place.place for place in localities] == list(NAMES)
    for where, count in counts(programme).items():
        assert count == sum(int(counts(place)[where]) for place in localities), where


def test_exact_figures_of_one_referral() -> None:
    example = ExampleReferral(start=datetime(2026, 3, 2, 9, tzinfo=UTC))
    example.created(v.Need.DEBT, v.Need.JOB, route=v.Route.HUB)
    example.missed(example.booked(4, lead=4))
    example.attended(example.booked(9, lead=1, sequence=1))
    example.ons4(v.Stage.BEFORE, date(2026, 3, 11), satisfied=4, anxious=8)
    example.unmet(v.Need.JOB, v.UnmetReason.TOO_FAR)
    prescription = example.prescribed()
    example.replied(prescription, v.Reply.ACCEPTED)
    example.visited(prescription, date(2026, 3, 30))
    example.ons4(v.Stage.AFTER, date(2026, 6, 4), satisfied=6, anxious=8)
    place = report(added_up([example]), exact=True).places[0]
    assert [step.people for step in place.journey] == [1] * 6
    assert [(w.median_days, w.people, w.referred) for w in place.waits] == [(9, 1, 1), (28, 1, 1)]
    assert [(m.code, m.meetings, m.did_not_come, m.percent) for m in place.meetings if m.meetings] == [
        ("all", 2, 1, 50),
        ("next_day", 1, 0, 0),
        ("week", 1, 1, 100),
    ]
    assert [(p.need, p.reason, p.count) for p in place.unmet.by_need_and_reason] == [("job", "too_far", 1)]
    assert {n.code for n in place.needs.parts if n.count} == {"debt", "job"}
    assert [(r.code, r.reached) for r in place.routes if r.referred] == [("all", 1), ("hub", 1)]
    assert (place.follow_up.due, place.follow_up.answered, place.follow_up.percent_of_due) == (1, 1, 100)
    satisfied, anxious = place.wellbeing[0], place.wellbeing[3]
    assert (satisfied.before, satisfied.after, satisfied.change, satisfied.low) == (4.0, 6.0, 2.0, None)
    assert (satisfied.better, anxious.same, anxious.better_when) == (1, 1, "lower")


def test_follow_up_is_due_by_the_day_of_the_report() -> None:
    example = ExampleReferral(start=datetime(2026, 3, 2, 9, tzinfo=UTC))
    example.created()
    example.ons4(v.Stage.BEFORE, date(2026, 3, 9))
    sums = added_up([example])
    for today, due in ((date(2026, 5, 31), 0), (date(2026, 6, 1), 1), (date(2027, 1, 1), 1)):
        back = report(sums, exact=True, calendar=Calendar(CALENDAR.start, today)).places[0].follow_up
        assert (back.due, back.not_yet_due, back.answered) == (due, 1 - due, 0)


def test_referrals_outside_the_calendar_are_not_counted() -> None:
    early = ExampleReferral(1, start=datetime(2025, 12, 31, 9, tzinfo=UTC))
    late = ExampleReferral(2, start=datetime(2199, 1, 1, 9, tzinfo=UTC))
    for example in (early, late):
        example.created()
    assert report(added_up([early, late]), exact=True).places[0].journey[0].people == 0


@pytest.mark.parametrize("count", [0, 5, 40, 400])
def test_published_counts_are_zero_a_star_or_rounded(count: int) -> None:
    sums = a_year(count)
    exact, published = report(sums, exact=True), report(sums, exact=False)
    for place, shown in zip(exact.places, published.places, strict=True):
        for where, number in counts(place).items():
            other = counts(shown)[where]
            assert other == "*" or (int(other) % 5 == 0 and abs(int(other) - int(number)) <= 2), where
            assert other == "*" or not 0 < int(number) < 8, where


def test_published_per_cents_are_of_exact_counts_or_hold_them() -> None:
    sums = a_year(400)
    for place, shown in zip(report(sums, exact=True).places, report(sums, exact=False).places, strict=True):
        for step, other in zip(place.journey, shown.journey, strict=True):
            exact = step.percent_of_referred
            assert isinstance(exact, int)
            if other.percent_low is not None and other.percent_high is not None:
                assert other.percent_low <= exact <= other.percent_high
                assert (other.percent_of_referred == exact) is (other.percent_low == other.percent_high)
        assert shown.journey[0].percent_of_referred == 100


def test_rates_are_of_people_referred_at_least_12_weeks_ago() -> None:
    """10 people were referred long ago and 5 of them visited; 10 were referred this week."""
    examples = [
        ExampleReferral(
            n, start=datetime(2026, 8, 30 if n > 10 else 1, 9, tzinfo=UTC) - timedelta(days=60 * (n <= 10))
        )
        for n in range(1, 21)
    ]
    for example in examples:
        example.created(route=v.Route.HUB)
        if example.number <= 5:
            example.attended(example.booked(3))
            example.visited(example.prescribed(), example.start.date() + timedelta(days=20))
    place = report(added_up(examples), exact=True).places[0]
    first, last = place.journey[0], place.journey[-1]
    assert (first.people, first.settled, last.settled, last.percent_of_referred) == (20, 10, 5, 50)
    hub = next(route for route in place.routes if route.code == "hub")
    assert (hub.referred, hub.settled_referred, hub.settled_reached, hub.percent) == (20, 10, 5, 50)
    assert (place.routes[0].settled_referred, place.routes[0].percent) == (10, 50)


@pytest.mark.parametrize(("today", "settled"), [(date(2026, 6, 22), 0), (date(2026, 6, 23), 1)])
def test_referral_counts_for_rates_after_12_weeks(today: date, settled: int) -> None:
    """A referral of 31 March in London, which is still 30 March in UTC."""
    example = ExampleReferral(start=datetime(2026, 3, 30, 23, 30, tzinfo=UTC))
    example.created()
    calendar = Calendar(CALENDAR.start, today)
    assert report(added_up([example]), exact=True, calendar=calendar).places[0].journey[0].settled == settled


def test_rate_of_a_young_period_is_not_shown() -> None:
    example = ExampleReferral(start=datetime(2026, 8, 30, 9, tzinfo=UTC))
    example.created()
    for exact in (True, False):
        last = report(added_up([example]), exact=exact).places[0].journey[-1]
        assert (last.percent_of_referred, last.percent_low) == (None, None)


def test_published_first_visits_are_one_count_everywhere() -> None:
    """Otherwise one of them could be suppressed and the other shown."""
    for seed in range(4):
        for place in report(a_year(120, seed), exact=False).places:
            assert place.waits[1].people == place.journey[-1].people


def test_90th_percentile_of_fewer_than_20_is_suppressed() -> None:
    examples = [ExampleReferral(n, start=datetime(2026, 3, 2, 9, tzinfo=UTC)) for n in range(1, 13)]
    for example in examples:
        example.created()
        example.attended(example.booked(example.number))
    wait = report(added_up(examples), exact=False).places[0].waits[0]
    assert (wait.people, wait.median_days, wait.ninetieth_percentile_days) == (10, 6, "*")


def test_means_and_medians_of_few_people_are_suppressed() -> None:
    examples = [ExampleReferral(n, start=datetime(2026, 3, 2, 9, tzinfo=UTC)) for n in range(1, 8)]
    for example in examples:
        example.created()
        example.attended(example.booked(3))
        example.ons4(v.Stage.BEFORE, date(2026, 3, 5), satisfied=4)
        example.ons4(v.Stage.AFTER, date(2026, 6, 5), satisfied=6)
    place = report(added_up(examples), exact=False).places[0]
    assert place.waits[0].median_days == place.waits[0].ninetieth_percentile_days == "*"
    assert (place.wellbeing[0].before, place.wellbeing[0].change) == ("*", "*")


def test_suppressed_quarter_does_not_follow_from_others() -> None:
    """3 people in one quarter: the total less the other quarters would give them away."""
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    examples = [ExampleReferral(n, start=start + timedelta(days=100 * (n < 4))) for n in range(1, 54)]
    for example in examples:
        example.created()
    sums = added_up(examples)
    whole, *quarters = (CALENDAR.since_start, *CALENDAR.quarters)
    shown = {
        period.first: figures(sums, NAMES, CALENDAR, FiguresRequest((), period, exact=False))
        .places[0]
        .journey[0]
        .people
        for period in quarters
    }
    assert shown == {"2026-07": 0, "2026-04": "*", "2026-01": "*"}
    everything = figures(sums, NAMES, CALENDAR, FiguresRequest((), whole, exact=False))
    assert everything.places[0].journey[0].people == 55


def test_figures_name_their_limits() -> None:
    notes = " ".join(report({}, exact=False).notes)
    assert "cannot be put down to the programme" in notes
    assert "1 to 7" in notes
    assert "1 to 7" not in " ".join(report({}, exact=True).notes)
