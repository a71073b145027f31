"""That no service exists is not recorded beside a service for the same need."""

from datetime import timedelta

import pytest

from services.matching.casework import commands as casework
from services.matching.casework.inputs import UnmetNeed
from services.matching.errors import Refused
from services.matching.prescribing import commands as prescribing
from services.matching.prescribing.inputs import Prescribing, ServiceReply
from services.matching.web.refusals import problem_of
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import DecisionHarness, worker

SERVICE = "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"


def add(world: DecisionHarness, referral: str, need: v.Need = v.Need.DEBT) -> None:
    world.act(referral, prescribing.prescribe(Prescribing(SERVICE, need)))


def none_exists(world: DecisionHarness, referral: str, need: v.Need = v.Need.DEBT) -> None:
    world.act(referral, casework.unmet(UnmetNeed(need, v.UnmetReason.NO_SERVICE)))


def test_no_service_beside_one_in_the_plan_is_refused() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    add(world, referral)
    with pytest.raises(Refused) as refused:
        none_exists(world, referral)
    problem = problem_of(refused.value)
    assert (problem.status_code, problem.code) == (422, "service_in_plan")
    assert [error.pointer for error in problem.errors] == ["/reason"]
    world.act(referral, casework.unmet(UnmetNeed(v.Need.DEBT, v.UnmetReason.FULL)))
    none_exists(world, referral, v.Need.BEFRIENDING)


def test_a_service_after_no_service_on_one_day_is_refused() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    none_exists(world, referral)
    with pytest.raises(Refused) as refused:
        add(world, referral)
    problem = problem_of(refused.value)
    assert (problem.status_code, problem.code) == (422, "no_service_said")
    assert [error.pointer for error in problem.errors] == ["/need"]
    assert len(world.view(referral).story.prescriptions) == 0


def test_a_service_that_comes_later_is_added() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    none_exists(world, referral)
    world.pass_time(days=1)
    add(world, referral)
    assert len(world.view(referral).story.prescriptions) == 1


def test_no_service_after_one_that_was_full_is_taken() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    add(world, referral)
    of = world.view(referral).story.prescriptions[0].prescribed.prescription_id
    world.act(referral, prescribing.reply(of, ServiceReply(v.Reply.FULL)))
    world.now += timedelta(minutes=1)
    none_exists(world, referral)
    assert len(world.view(referral).story.unmet) == 1
