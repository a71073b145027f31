"""The contribution of one referral to the figures."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.contributions.contribution import (
    MAX_WAIT_DAYS,
    contribution_of,
    days_between,
    lead_time,
)
from services.evaluation.contributions.measures import (
    Contribution,
    MeasureKey,
    difference,
    from_rows,
    to_rows,
)
from services.evaluation.contributions.vocabulary import LeadTime
from shared.contract.events import vocabulary as v
from shared.contract.history import ListedSources, fold_referral
from tests.harness.evaluation.example_referrals import MORNING, SOURCE, ExampleReferral, random_referral

SOURCES = ListedSources({SOURCE: 1})


def counted(example: ExampleReferral) -> Contribution:
    return contribution_of(fold_referral(example.facts, SOURCES))


def keys(example: ExampleReferral, measure: str) -> dict[str, int]:
    return {key.key: number for key, number in counted(example).items() if key.measure == measure}


def test_contribution_before_creation_is_empty() -> None:
    example = ExampleReferral()
    example.attended(example.booked(3))
    assert not counted(example)


def test_journey_counts_every_earlier_step() -> None:
    example = ExampleReferral()
    example.created()
    example.visited(example.prescribed(), date(2026, 3, 20))
    assert list(keys(example, "journey")) == ["referred", "booked", "met", "planned", "accepted", "visited"]
    assert keys(example, "wait_visited") == {"18": 1}
    assert keys(example, "wait_met") == {}


def test_waiting_list_is_not_an_acceptance() -> None:
    example = ExampleReferral()
    example.created()
    example.replied(example.prescribed(), v.Reply.WAITING_LIST)
    assert list(keys(example, "journey"))[-1] == "planned"
    assert keys(example, "replies") == {"waiting_list": 1}


def test_journey_counts_in_the_london_month_of_referral() -> None:
    example = ExampleReferral(start=datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    example.created()
    assert {key.period for key in counted(example)} == {"2026-04"}


def test_meeting_counts_in_its_month_and_lead_time() -> None:
    example = ExampleReferral()
    example.created()
    example.missed(example.booked(after=29, lead=9))
    example.attended(example.booked(after=35, lead=1, sequence=1))
    meetings = {key for key in counted(example) if key.measure == "meetings"}
    assert meetings == {
        MeasureKey("meetings", "2026-03", "longer:missed"),
        MeasureKey("meetings", "2026-04", "next_day:came"),
    }
    assert keys(example, "wait_met") == {"35": 1}


def test_meeting_held_early_counts_in_the_month_it_was_held() -> None:
    example = ExampleReferral()
    example.created()
    example.attended(example.booked(after=35, lead=34), sooner=timedelta(days=30))
    assert {key for key in counted(example) if key.measure == "meetings"} == {
        MeasureKey("meetings", "2026-03", "week:came")
    }


def test_wait_of_meeting_held_early_ends_with_it() -> None:
    example = ExampleReferral()
    example.created()
    example.attended(example.booked(after=35, lead=34), sooner=timedelta(days=30))
    assert keys(example, "wait_met") == {"5": 1}


@pytest.mark.parametrize(
    ("days", "band"),
    [
        *((-1, LeadTime.SAME_DAY), (0, LeadTime.SAME_DAY), (1, LeadTime.NEXT_DAY), (2, LeadTime.WEEK)),
        *((7, LeadTime.WEEK), (8, LeadTime.LONGER), (400, LeadTime.LONGER)),
    ],
)
def test_lead_time_has_four_bands(days: int, band: LeadTime) -> None:
    assert lead_time(days) is band


def test_wait_by_a_wrong_clock_stays_within_bounds() -> None:
    assert days_between(date(2026, 3, 2), date(2026, 3, 1)) == 0
    assert days_between(date(1970, 1, 1), date(2026, 3, 1)) == MAX_WAIT_DAYS


def test_unmet_need_recorded_twice_counts_once_in_first_month() -> None:
    example = ExampleReferral()
    example.created()
    example.unmet(v.Need.DEBT, v.UnmetReason.FULL, MORNING + timedelta(days=40))
    example.unmet(v.Need.DEBT, v.UnmetReason.FULL, MORNING + timedelta(days=2))
    example.unmet(v.Need.DEBT, v.UnmetReason.COST, MORNING + timedelta(days=2))
    unmet = {key: number for key, number in counted(example).items() if key.measure == "unmet"}
    assert unmet == {
        MeasureKey("unmet", "2026-03", "debt:full"): 1,
        MeasureKey("unmet", "2026-03", "debt:cost"): 1,
    }


def test_need_with_a_service_added_that_day_is_not_unmet() -> None:
    example = ExampleReferral()
    example.created()
    example.unmet(v.Need.DEBT, v.UnmetReason.NO_SERVICE, MORNING + timedelta(hours=1))
    example.unmet(v.Need.JOB, v.UnmetReason.NO_SERVICE, MORNING + timedelta(hours=1))
    example.prescribed()  # for debt
    assert keys(example, "unmet") == {"job:no_service": 1}


@pytest.mark.parametrize("days", [-3, 3])
def test_need_with_a_service_of_another_day_is_unmet(days: int) -> None:
    example = ExampleReferral()
    example.created()
    example.unmet(v.Need.DEBT, v.UnmetReason.NO_SERVICE, MORNING + timedelta(days=days))
    example.prescribed()
    assert keys(example, "unmet") == {"debt:no_service": 1}


def test_need_and_service_share_a_london_day() -> None:
    """00:30 and 12:00 of one London day are two days in UTC."""
    example = ExampleReferral(start=datetime(2026, 6, 1, 23, 30, tzinfo=UTC))
    example.created()
    example.prescribed()
    example.unmet(v.Need.DEBT, v.UnmetReason.NO_SERVICE, datetime(2026, 6, 2, 11, 0, tzinfo=UTC))
    assert keys(example, "unmet") == {}


def test_need_with_a_retracted_service_is_unmet() -> None:
    example = ExampleReferral()
    example.created()
    example.unmet(v.Need.DEBT, v.UnmetReason.NO_SERVICE)
    example.prescribed()
    example.retracted(example.facts[-1])
    assert keys(example, "unmet") == {"debt:no_service": 1}


def test_referral_is_settled_12_weeks_after_its_day() -> None:
    example = ExampleReferral()
    example.created()
    example.contacted(reached=True)
    example.attended(example.booked(3))
    assert keys(example, "settled") == {"2026-05-25:met": 1}
    assert keys(example, "settled_contact") == {"2026-05-25:practice:reached": 1}


def test_contribution_after_retraction_is_as_before() -> None:
    example = ExampleReferral()
    example.created()
    before = counted(example)
    example.retracted(example.unmet(v.Need.JOB, v.UnmetReason.HOURS))
    assert counted(example) == before


@pytest.mark.parametrize(
    ("reason", "counts"),
    [(v.WithdrawReason.MADE_IN_ERROR, False), (v.WithdrawReason.PERSON_ASKED, True)],
)
def test_referral_made_in_error_counts_nowhere(reason: v.WithdrawReason, counts: bool) -> None:
    example = ExampleReferral()
    example.created()
    example.attended(example.booked(3))
    example.withdrawn(reason)
    assert bool(counted(example)) is counts


def test_follow_up_is_open_from_its_own_day() -> None:
    example = ExampleReferral()
    example.created()
    example.ons4(v.Stage.BEFORE, date(2026, 3, 9))
    assert keys(example, "follow_up") == {"before": 1, "open:2026-06-01": 1}
    assert {c.period for c in counted(example) if c.measure == "follow_up"} == {"2026-03"}


def test_follow_up_of_closed_referral_is_due_at_once() -> None:
    early, late = ExampleReferral(), ExampleReferral()
    for example, days in ((early, 20), (late, 200)):
        example.created()
        example.ons4(v.Stage.BEFORE, date(2026, 3, 9))
        example.closed(at=MORNING + timedelta(days=days))
    assert "open:2026-03-22" in keys(early, "follow_up")
    assert "open:2026-06-01" in keys(late, "follow_up")


def test_follow_up_after_death_is_not_open() -> None:
    example = ExampleReferral()
    example.created()
    example.ons4(v.Stage.BEFORE, date(2026, 3, 9))
    example.closed(v.CloseReason.DIED)
    assert keys(example, "follow_up") == {"before": 1}


def test_pairs_need_two_answers_and_less_anxious_is_better() -> None:
    example = ExampleReferral()
    example.created()
    example.ons4(v.Stage.BEFORE, date(2026, 3, 9), satisfied=4, anxious=8, happy=5)
    example.ons4(v.Stage.AFTER, date(2026, 6, 9), satisfied=7, anxious=6, worthwhile=9)
    assert keys(example, "follow_up") == {"before": 1, "paired": 1}
    assert keys(example, "ons4") == {
        "satisfied:n": 1, "satisfied:before": 4, "satisfied:after": 7, "satisfied:squares": 9,
        "satisfied:better": 1, "anxious:n": 1, "anxious:before": 8, "anxious:after": 6,
        "anxious:squares": 4, "anxious:better": 1,
    }  # fmt: skip


def test_follow_up_with_other_items_only_stays_open() -> None:
    example = ExampleReferral()
    example.created()
    example.ons4(v.Stage.BEFORE, date(2026, 3, 9), satisfied=4)
    example.ons4(v.Stage.AFTER, date(2026, 6, 9), happy=7)
    assert keys(example, "follow_up") == {"before": 1, "open:2026-06-01": 1}


@pytest.mark.parametrize("year", [1900, 1901, 2198, 2199])
def test_contribution_of_extreme_dates_is_computed(year: int) -> None:
    example = ExampleReferral(start=datetime(year, 1, 1, 0, 0, tzinfo=UTC))
    example.created()
    example.ons4(v.Stage.BEFORE, date(year, 12, 31))
    assert keys(example, "journey") == {"referred": 1}


@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_contribution_ignores_order_and_repetition(seed: int, shuffling: Random) -> None:
    example = random_referral(Random(seed), 1)
    once = counted(example)
    shuffled = [*example.facts, *shuffling.choices(example.facts, k=3)]
    shuffling.shuffle(shuffled)
    unique = {fact.key: fact for fact in shuffled}
    assert contribution_of(fold_referral(unique.values(), SOURCES)) == once


@given(st.integers(0, 2**32))
def test_contribution_survives_storing(seed: int) -> None:
    contribution = counted(random_referral(Random(seed), 1))
    assert from_rows(to_rows(contribution)) == contribution
    assert all("." not in key.key and "$" not in key.key for key in contribution)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 4), min_size=1, max_size=12))
def test_differences_of_any_batches_add_up_to_the_whole(seed: int, batches: list[int]) -> None:
    random = Random(seed)
    facts = random_referral(random, 1).facts
    random.shuffle(facts)
    sums: dict[MeasureKey, int] = {}
    before: Contribution = {}
    received = 0
    for size in [*batches, len(facts)]:
        received += size
        after = contribution_of(fold_referral(facts[:received], SOURCES))
        for key, number in difference(after, before).items():
            sums[key] = sums.get(key, 0) + number
        before = after
    assert {key: number for key, number in sums.items() if number} == dict(before)
