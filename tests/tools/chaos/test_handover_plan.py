"""The plan of hand-overs: the same seed gives the same rounds, and each participant dies at each step."""

from collections import Counter

from chaos.handover import plan


def test_plan_of_a_seed_is_the_same_each_time() -> None:
    assert plan.rounds(3) == plan.rounds(3)
    assert plan.rounds(3) != plan.rounds(4)


def test_plan_kills_each_participant_at_each_step() -> None:
    for seed in range(20):
        found = plan.struck(plan.rounds(seed))
        wanted = {("there", step, who) for step in plan.THERE for who in plan.PARTICIPANTS}
        wanted |= {("back", step, who) for step in plan.BACK for who in plan.PARTICIPANTS}
        assert wanted <= set(found)


def test_plan_has_a_sleeper_and_a_partner_that_dies_on_each_side() -> None:
    for seed in range(20):
        made = plan.rounds(seed)
        assert sum(each.sleeper for each in made) == sum(each.strangers for each in made) == 1
        assert Counter(each.dead for each in made if each.dead) == {"owner": 1, "newcomer": 1}
        assert all(each.name for each in made)


def test_short_plan_has_a_sleeper_and_a_death_on_each_way() -> None:
    (one,) = plan.short(1)
    assert one.sleeper
    assert len(one.there) == len(one.back) == 1
