"""The list of safeguards that `make mutations` goes through is as old as the code."""

import os
from pathlib import Path

import pytest

from tests.tools.mutations.mutations import ROOT, Anyway, Safeguard, safeguards, without


@pytest.mark.parametrize("safeguard", safeguards(), ids=lambda safeguard: str(safeguard.name))
def test_the_code_has_each_safeguard_once_in_these_words(safeguard: Safeguard) -> None:
    assert (ROOT / safeguard.file).read_text().count(safeguard.code) == 1
    assert safeguard.instead != safeguard.code
    for test in safeguard.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / "tests" / file).read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with one safeguard, one test that rests on it, one that does not, and one that always fails."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "careful.txt").write_text("yes")
    (tests / "test_it.py").write_text(
        "from pathlib import Path\n\n"
        "def test_that_looks():\n    assert Path('careful.txt').read_text() == 'yes'\n\n"
        "def test_that_does_not():\n    pass\n\n"
        "def test_that_always_fails():\n    assert False\n"
    )
    return tmp_path


def care(test: str) -> Safeguard:
    return Safeguard("care", "careful.txt", "yes", "no", [f"test_it.py::{test}"])


def test_mutation_names_the_test_and_restores_the_tree(tree: Path) -> None:
    anyway: Anyway = {}
    noticed = without(care("test_that_looks"), tree, os.environ, anyway)
    assert noticed.by == "test_it.py::test_that_looks"
    assert without(care("test_that_does_not"), tree, os.environ, anyway).by is None
    assert (tree / "careful.txt").read_text() == "yes"


def test_a_test_that_fails_anyway_has_noticed_nothing(tree: Path) -> None:
    with pytest.raises(AssertionError, match="test_that_always_fails fails also with it"):
        without(care("test_that_always_fails"), tree, os.environ, {})
