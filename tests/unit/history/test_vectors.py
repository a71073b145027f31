"""Vectors of the fold: current, each rule as it says, and the same for every service's fold."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import services.evaluation.contributions.state
import services.matching.referral_state.state
import services.notifications.messages.state
import services.referral.referral_state.state
from shared.contract.history import (
    ALL_SECTIONS,
    CREATION,
    ENDINGS,
    MEETINGS,
    PRESCRIPTIONS,
    STAGE,
    ListedSources,
    Section,
    fold_referral,
)
from shared.contract.history.model import NotFolded, ReferralHistory
from shared.contract.history.section import fold_version, with_needs
from shared.contract.history.vectors import Vector, load, load_all, state_of, written
from shared.contract.history.vectors.files import set_of, stale
from shared.delivery.model.service_definition import ServiceDefinition
from tests.harness.history.rules import RULES
from tests.harness.history.rules.rule import SOURCES, Rule
from tests.harness.history.vectors import files, write
from tests.unit.history.test_services import LOCALITIES, PARTS

FILES = load_all()
VECTORS = [pytest.param(vector, id=vector.name) for file in FILES.values() for vector in file.vectors]
SECTIONS: dict[str, tuple[Section, ...]] = {
    "evaluation": services.evaluation.contributions.state.SECTIONS,
    "matching": ALL_SECTIONS,
    "notifications": services.notifications.messages.state.SECTIONS,
    "referral": services.referral.referral_state.state.SECTIONS,
}


def value(state: Any, path: str) -> Any:
    """The value at a dotted path."""
    for name in path.split("."):
        state = state[int(name)] if isinstance(state, list) else state[name]
    return state


def history_in(view: Any) -> ReferralHistory:
    """The history that a service's view holds."""
    return next(
        value for each in fields(view) if isinstance(value := getattr(view, each.name), ReferralHistory)
    )


@pytest.mark.parametrize("rule", [r for rules in RULES.values() for r in rules], ids=lambda rule: rule.name)
def test_rule_facts_give_what_the_rule_says(rule: Rule) -> None:
    facts = set_of(rule.facts)
    state = state_of(fold_referral(facts, SOURCES), ALL_SECTIONS)
    assert {path: value(state, path) for path in rule.expect} == rule.expect


@pytest.mark.parametrize("vector", VECTORS)
def test_vector_in_any_order_gives_its_state(vector: Vector) -> None:
    sources = next(file.sources for file in FILES.values() if vector in file.vectors)
    for facts in (vector.facts, vector.facts[::-1]):
        assert state_of(fold_referral(facts, sources), ALL_SECTIONS) == vector.state


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("vector", VECTORS)
def test_vector_in_a_service_gives_its_sections(vector: Vector, part: ServiceDefinition[Any, Any]) -> None:
    sections = SECTIONS[part.name]
    state = state_of(history_in(part.fold(vector.facts)), sections)
    wanted = {section.name for section in with_needs(sections)} | {"last_recorded"}
    assert state == {name: each for name, each in vector.state.items() if name in wanted}


def test_vectors_sources_are_those_of_the_localities() -> None:
    for table in [file.sources for file in FILES.values()]:
        assert {source: LOCALITIES.rank(source) for source in table.ranks} == table.ranks
        assert {source: LOCALITIES.parts(source) for source in table.ranks} == {
            source: table.parts(source) for source in table.ranks
        }


def test_vector_files_are_current(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert stale() == []
    assert {name: written(file) for name, file in FILES.items()} == made
    assert files().keys() == FILES.keys()


def test_stale_vector_file_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "stage.json"
    path.write_text(path.read_text().replace('"stage": "booked"', '"stage": "met"'))
    assert stale(tmp_path) == ["stage.json"]


def test_vector_file_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 2"):
        load('{"format": 2}')


def test_vector_names_are_unique() -> None:
    names = [vector.name for file in FILES.values() for vector in file.vectors]
    assert len(set(names)) == len(names)


def test_section_version_raises_the_fold_version() -> None:
    needed = (CREATION, ENDINGS, MEETINGS, PRESCRIPTIONS, STAGE)
    assert fold_version(3, (STAGE,)) == 3 + sum(each.version for each in needed)


def test_field_of_a_section_not_picked_raises() -> None:
    history = fold_referral([], ListedSources(), (CREATION,))
    assert history.created is None
    with pytest.raises(NotFolded, match="plan"):
        _ = history.plan
