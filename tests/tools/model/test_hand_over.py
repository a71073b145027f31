"""The protocol of a hand-over keeps its rules in every order of steps, and only with all its safeguards."""

from typing import Final

import pytest

from docs.contract.model.hand_over import SAFEGUARDS, Model, Way
from docs.contract.model.search import Found, search
from docs.contract.model.state import State

# The rule that breaks, and the way on which it does, without each safeguard.
_NEEDED: Final[dict[str, tuple[Way, str]]] = {
    "own_row": ("there", "a fact lost"),
    "joining": ("there", "a fact lost"),
    "empty_outbox": ("there", "a fact lost"),
    "marker": ("there", "two deciders"),
    "all_markers": ("back", "two deciders"),
    "look": ("there", "nobody decides"),
    "end_of_inbox": ("back", "a fact lost"),
    "inbox_marker": ("back", "a fact lost"),
    "void_tasks": ("back", "two deciders"),
    "first_appearance": ("back", "a fact lost"),
}


def _searched(model: Model) -> Found[State]:
    return search(model.first, model.steps, model.broken, model.broken_at_rest)


@pytest.mark.parametrize("way", ["there", "back"])
def test_hand_over_with_all_safeguards_keeps_its_rules(way: Way) -> None:
    found = _searched(Model(way))
    assert found.broken is None, "\n".join(found.steps)
    assert found.states > 50_000
    assert found.at_rest > 10


@pytest.mark.parametrize("safeguard", SAFEGUARDS)
def test_hand_over_without_a_safeguard_breaks_a_rule(safeguard: str) -> None:
    way, rule = _NEEDED[safeguard]
    assert _searched(Model(way, omitted=safeguard)).broken == rule


def test_model_without_an_unknown_safeguard_is_refused() -> None:
    with pytest.raises(ValueError, match="own_row"):
        Model(omitted="none_such")
