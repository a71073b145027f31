"""New referrals go to the link worker who uses the smallest share of their limit, on the earliest day."""

from collections import Counter
from datetime import date, time
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.link_workers import link_workers
from services.matching.booking.days import Caseload
from services.matching.booking.diary import Diaries
from services.matching.booking.requirements import NOTICE, MeetingRequirements
from services.matching.calendar import london_day
from services.matching.roster.link_workers import LinkWorker
from tests.harness.matching.decision_harness import NOW, PRACTICE, DecisionHarness, active, worker

FIRST, SECOND = "lw-meir-1", "lw-meir-2"


def with_open_cases(counts: dict[str, int], *workers: LinkWorker) -> DecisionHarness:
    """A locality in which these link workers have so many open cases already."""
    world = DecisionHarness.of(*workers)
    for name, count in counts.items():
        world.caseloads[name] = Caseload(name, 1, {f"{name}-{n}" for n in range(count)})
    return world


def centre_of_the_demo(practice: str) -> list[LinkWorker]:
    everybody = [LinkWorker.model_validate(one) for one in link_workers(london_day(NOW))]
    return [each for each in everybody if practice in each.practices]


def open_cases(world: DecisionHarness) -> dict[str, int]:
    return {name: len(caseload.referrals) for name, caseload in world.caseloads.items()}


def test_a_new_referral_goes_to_the_smallest_share_on_the_day() -> None:
    # The second has the later hours, and half as many of the cases that they may have.
    first = worker(FIRST, caseload_limit=40)
    second = worker(SECOND, caseload_limit=20, opens=time(10), closes=time(12))
    world = with_open_cases({FIRST: 16, SECOND: 3}, first, second)
    booked = active(world.view(world.refer()))
    assert booked.link_worker == SECOND
    assert (london_day(booked.starts_at), booked.starts_at.hour) == (london_day(NOW), 10)


def test_a_share_is_of_the_limit_and_not_a_count() -> None:
    full_time, part_time = worker(FIRST, caseload_limit=40), worker(SECOND, caseload_limit=10)
    world = with_open_cases({FIRST: 16, SECOND: 5}, full_time, part_time)
    assert active(world.view(world.refer())).link_worker == FIRST


def test_an_earlier_day_comes_before_a_smaller_share() -> None:
    busy, idle = worker(FIRST, weekdays=(0,)), worker(SECOND, weekdays=(1,))
    world = with_open_cases({FIRST: 16, SECOND: 3}, busy, idle)
    assert active(world.view(world.refer())).link_worker == FIRST


def test_a_case_does_not_count_against_who_has_it() -> None:
    # Both have one other case. Whoever has the person keeps them, though the other has an earlier time.
    for n in range(20):
        one, other = worker(FIRST, opens=time(10)), worker(SECOND)
        world = with_open_cases({FIRST: 1, SECOND: 1}, one, other)
        world.caseloads[FIRST].referrals.add(f"person-{n}")
        found = world.load().earliest(MeetingRequirements(PRACTICE), f"person-{n}")
        assert found is not None
        assert found.link_worker == FIRST


def test_between_equals_neither_is_always_first() -> None:
    diaries = Diaries(NOW, {name: worker(name) for name in (FIRST, SECOND)})
    found = [diaries.earliest(MeetingRequirements(PRACTICE), f"referral-{n}") for n in range(200)]
    drawn = Counter(slot.link_worker for slot in found if slot is not None)
    assert min(drawn[FIRST], drawn[SECOND]) > 60
    again = [diaries.earliest(MeetingRequirements(PRACTICE), f"referral-{n}") for n in range(200)]
    assert again == found


def test_urgent_referrals_of_one_batch_are_shared_out() -> None:
    diaries = Diaries(NOW, {name: worker(name) for name in (FIRST, SECOND)})
    diaries.reserve([(f"referral-{n}", MeetingRequirements(PRACTICE), frozenset()) for n in range(6)])
    assert Counter(slot.link_worker for slot in diaries.reserved.values()) == {FIRST: 3, SECOND: 3}


def test_sixteen_and_three_of_the_demo_become_even() -> None:
    there = centre_of_the_demo("M83100")
    names = [each.id for each in there]
    world = with_open_cases(dict(zip(names, (16, 3), strict=True)), *there)
    for _ in range(32):
        world.refer(practice="M83100")
        world.pass_time(hours=12)
    counts = open_cases(world)
    shares = [Fraction(counts[each.id], each.caseload_limit) for each in there]
    assert sum(counts.values()) == 51
    assert abs(shares[0] - shares[1]) <= Fraction(1, 20)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), min_size=2, max_size=4),
    st.integers(0, 10**6),
)
def test_nobody_gets_a_referral_before_a_smaller_share(cases: list[tuple[int, int]], number: int) -> None:
    workers = {
        f"lw-meir-{n}": worker(f"lw-meir-{n}", caseload_limit=limit, opens=time(9 + n), closes=time(14))
        for n, (_, limit) in enumerate(cases, 1)
    }
    diaries = Diaries(NOW, workers)
    for (name, each), (count, _) in zip(workers.items(), cases, strict=True):
        diaries.caseloads[name] = Caseload(name, 1, {f"{each.id}-{n}" for n in range(count)})
    slot = diaries.earliest(MeetingRequirements(PRACTICE), f"referral-{number}")
    shares = {
        name: Fraction(count, limit)
        for name, (count, limit) in zip(workers, cases, strict=True)
        if count < limit
    }
    if slot is None:
        assert not shares
        return
    assert shares[slot.link_worker] == min(shares.values())
    assert london_day(slot.starts_at) == date(2026, 11, 23)
    assert slot.starts_at >= NOW + NOTICE
