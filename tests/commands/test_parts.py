"""What each service declares of its collections is what a rebuild goes by."""

import importlib

import pytest

from linkwork.parts import MAKERS
from shared.events.topics import PARTS, Part
from shared.localities import LOCALITIES_FILE


@pytest.mark.parametrize("part", PARTS)
def test_a_rebuild_makes_anew_what_is_derived_and_nothing_that_is_owned(part: Part) -> None:
    store = importlib.import_module(f"services.{part}.store")
    made = MAKERS[part](LOCALITIES_FILE)
    assert made.part.name == part
    assert set(made.derived) == set(store.DERIVED)
    assert not set(made.derived) & set(store.OWNED)
    assert (made.part.project is not None) == (len(made.derived) > 1)
