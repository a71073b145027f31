"""A service is not rebuilt while one of its parts is handed over."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from linkwork.errors import CommandError
from linkwork.rebuild import require_no_hand_over
from shared.platform.localities import Localities
from shared.platform.localities.model import Claim
from tests.harness.matching.service_harness import programme

BEGUN = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def table(*parts: str) -> Localities:
    known = programme("meir")
    claims = {part: Claim("vast-hub", BEGUN) for part in parts}
    given = (replace(each, handing_over=claims if each.slug == "meir" else {}) for each in known)
    return Localities(known.name, known.hub, tuple(given), ())


@pytest.mark.parametrize("part", ["booking", "casework", "directory"])
def test_service_of_a_part_under_hand_over_is_not_rebuilt(part: str) -> None:
    with pytest.raises(CommandError, match=f"{part.capitalize()} of Meir is being handed over"):
        require_no_hand_over(table(part), "matching")


def test_other_services_are_rebuilt_meanwhile() -> None:
    require_no_hand_over(table("booking"), "evaluation")
    require_no_hand_over(table("referral"), "matching")
    require_no_hand_over(table(), "matching")
