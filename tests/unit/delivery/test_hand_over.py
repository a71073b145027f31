"""Rows go from the transaction to the relay through memory: when, and what it does where that fails."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from shared.delivery.model.service_definition import ServiceDefinition
from tests.harness.delivery.broker import LOCALITY
from tests.harness.delivery.toy import NOW, TOY, created, said
from tests.harness.delivery.world import Process, Tally, World


@pytest.fixture
def about_to_commit() -> Iterator[Process]:
    """A process that has decided upon a referral, and not committed; its relay has looked for nothing yet."""
    world = World(replace(cast("ServiceDefinition[Any, Any]", TOY), repository=Tally()), NOW)
    event = said(created(LOCALITY))
    world.log.append(event.topic(), event.body.referral_id.encode(), event.raw, event.headers())
    for each in world.processes:
        each.opened()
        each.poll(1)
    process = next(each for each in world.processes if "batch" in each.tasks)
    while process.tickets["batch"].name != "commit":
        process.step("batch", "goes on")
    yield process
    world.close()


def until_it_rests(process: Process) -> None:
    while process.step("own", "goes on"):
        continue
    assert process.rests


def test_rows_after_commit_are_handed_over(about_to_commit: Process) -> None:
    process = about_to_commit
    until_it_rests(process)
    process.step("batch", "fails")
    while process.tickets["batch"].name != "commit":
        process.step("batch", "goes on")
    assert process.rests, "it publishes what may never be committed"
    process.step("batch", "goes on")
    assert process.tickets["own"].name == "publish"


def test_rows_in_hand_after_broker_failure_are_read_again(about_to_commit: Process) -> None:
    process = about_to_commit
    until_it_rests(process)
    process.step("batch", "goes on")
    process.step("own", "fails")
    until_it_rests(process)
    assert process.world.lanes() == []
    assert len(process.log.published) == 1


def test_rows_committed_during_read_are_read_again(about_to_commit: Process) -> None:
    process = about_to_commit
    process.step("own", "goes on")
    assert process.tickets["own"].name == "answer"
    process.step("batch", "goes on")
    until_it_rests(process)
    assert process.world.lanes() == []
    assert len(process.log.published) == 1
