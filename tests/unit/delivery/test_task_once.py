"""Two processes look at what is due at once: it takes effect once."""

from dataclasses import replace
from typing import Any, cast

from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS
from tests.harness.delivery.broker import LOCALITY
from tests.harness.delivery.toy import NOW, TOY, created, said
from tests.harness.delivery.world import Tally, World


def test_task_found_by_two_processes_takes_effect_once() -> None:
    world = World(replace(cast("ServiceDefinition[Any, Any]", TOY), repository=Tally()), NOW)
    event = said(created(LOCALITY))
    world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())
    for process in world.processes:
        process.opened()
        process.poll(1)
        while process.step("batch", "goes on"):
            continue
    assert len(world.stored.of(TASKS)) == 1
    for process in world.processes:
        process.begin("due", lambda due=process.due: due.run_once(sends=False))  # type: ignore[misc]
        while process.tickets["due"].name != "answer":
            process.step("due", "goes on")
    for process in world.processes:
        while process.step("due", "goes on"):
            continue
    assert world.stored.of(TASKS) == []
    assert world.stored.of(REFERRALS)[0]["view"]["contacts"] == 1
    world.close()
