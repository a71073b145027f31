"""The list of safeguards that `make mutations` goes through is as old as the code."""

import pytest

from tests.delivery.mutations import ROOT, Safeguard, safeguards


@pytest.mark.parametrize("safeguard", safeguards(), ids=lambda safeguard: str(safeguard.name))
def test_the_code_has_each_safeguard_once_in_these_words(safeguard: Safeguard) -> None:
    assert (ROOT / safeguard.file).read_text().count(safeguard.code) == 1
    assert safeguard.instead != safeguard.code
    for test in safeguard.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / "tests/delivery" / file).read_text()
