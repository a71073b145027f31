"""Vectors as the kit says them: in the trial's locality, under ids that keep their order."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.clause import clauses_of
from conformance.clauses.intake import playable
from conformance.contract import stories, vectors
from conformance.kit import Kit
from conformance.play import can_be_played
from conformance.settings import Kafka, Settings
from conformance.trial import Trial
from conformance.vectors import placed

FOLD = next(each for each in clauses_of("booking") if each.name == "F10")
VECTORS = [each for name in ("meetings", "endings", "counting") for each in vectors(name) if each["facts"]]


def trial() -> Trial:
    settings = Settings(Kafka("broker:9092"), "booking", locality="far", practice="Z00009")
    return Trial(FOLD, cast("Kit", SimpleNamespace(settings=settings)))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: str(each["name"]))
def test_placed_facts_are_of_the_locality_in_their_order(vector: dict[str, Any]) -> None:
    events, state = placed(trial(), vector)
    assert {each.data["locality"] for each in events} == {"far"}
    assert {each.source.split("/")[1] for each in events} == {"far"}
    before = sorted(range(len(events)), key=lambda n: vector["facts"][n]["id"])
    assert before == sorted(range(len(events)), key=lambda n: events[n].id)
    assert state["endings"]["open"] == vector["state"]["endings"]["open"]
    assert "meir" not in str(events) + str(state)


def test_playable_vectors_have_one_creation_that_stands() -> None:
    found = list(playable())
    assert len(found) > 100
    assert {stage for *_, stage in found} >= {"waiting", "booked", "met", "closed", "started"}
    assert "erased" not in {stage for *_, stage in found}


def test_booking_plays_every_story_but_the_one_that_waits() -> None:
    every = {each["name"] for each in stories()}
    assert every - {each["name"] for each in stories() if can_be_played(each, "booking")} == {
        "waiting-then-meeting"
    }
