"""The collections that each service declares are those of a rebuild."""

from types import ModuleType

import pytest

import services.evaluation.collections
import services.matching.collections
import services.notifications.collections
import services.referral.collections
from linkwork.service_definitions import MAKERS
from shared.contract.events.topics import PARTS, Part
from shared.platform.localities import LOCALITIES_FILE

REPOSITORIES: dict[Part, ModuleType] = {
    "referral": services.referral.collections,
    "matching": services.matching.collections,
    "notifications": services.notifications.collections,
    "evaluation": services.evaluation.collections,
}


@pytest.mark.parametrize("part", PARTS)
def test_rebuild_makes_derived_collections_and_no_owned_ones(part: Part) -> None:
    store = REPOSITORIES[part]
    made = MAKERS[part](LOCALITIES_FILE)
    assert made.part.name == part
    assert set(made.derived) == set(store.DERIVED)
    assert not set(made.derived) & set(store.OWNED)
    assert (made.part.project is not None) == (len(made.derived) > 1)
