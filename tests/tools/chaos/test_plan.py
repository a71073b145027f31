"""The plan: the same seed gives the same strikes, and each fault strikes as often as it is asked to."""

from collections import Counter

from chaos import plan
from chaos.faults import FAULTS

LANES = [plan.on_one_of_each, plan.on_three_of_each]


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert plan.on_one_of_each(3, 4) == plan.on_one_of_each(3, 4)
    assert plan.on_one_of_each(3, 4) != plan.on_one_of_each(4, 4)


def test_each_fault_strikes_so_many_times_and_each_is_known() -> None:
    for make in LANES:
        strikes = [strike for stage in make(1, 20) for lane in stage.lanes for strike in lane]
        assert set(Counter(strike.fault for strike in strikes).values()) == {20}
        assert all(any(name in strike.fault for name in FAULTS) for strike in strikes)


def test_lanes_that_run_side_by_side_strike_different_services() -> None:
    services = plan.on_one_of_each(1, 5)[0].lanes[: len(plan.SERVICES)]
    struck = [{strike.parts for strike in lane} for lane in services]
    assert struck == [{(service,)} for service in plan.SERVICES]


def test_network_faults_strike_every_target_in_a_short_run() -> None:
    struck = {
        target
        for seed in range(10)
        for stage in plan.on_one_of_each(seed, 2)
        for lane in stage.lanes
        for strike in lane
        if "network" in strike.fault
        for target in strike.targets
    }
    assert struck == set(plan.PROXIED)


def test_part_of_a_plan_can_be_asked_for() -> None:
    stages = plan.only(plan.on_one_of_each(1, 3), "Kafka killed")
    assert [strike.fault for stage in stages for lane in stage.lanes for strike in lane] == [
        "Kafka killed"
    ] * 3


def test_strikes_can_be_had_one_at_a_time_with_rest_between() -> None:
    whole = plan.on_one_of_each(1, 3)
    apart = plan.apart(whole, 9.0)
    assert [len(stage.lanes) for stage in apart] == [1, 1]
    strikes = [strike for stage in apart for strike in stage.lanes[0]]
    assert {strike.rest for strike in strikes} == {9.0}
    before = Counter(strike.fault for stage in whole for lane in stage.lanes for strike in lane)
    assert Counter(strike.fault for strike in strikes) == before


def test_rested_plan_keeps_its_strikes_and_longer_rests() -> None:
    whole = plan.on_one_of_each(3, times=2)
    rested = plan.rested(whole, 0.8)
    assert plan.counts(rested) == plan.counts(whole)
    rests = {strike.rest for stage in rested for lane in stage.lanes for strike in lane}
    assert min(rests) == 0.8
    assert max(rests) >= 1.0
