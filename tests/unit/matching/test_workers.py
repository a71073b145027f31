"""A link worker's entry: the number that people are given to ring."""

import pytest
from pydantic import ValidationError

from services.matching.roster.link_workers import LinkWorker

ENTRY = {"id": "lw-meir-1", "locality": "meir", "name": "Priya Wainwright", "email": "priya@links.example"}


@pytest.mark.parametrize("written", ["01632 960401", "01632\u00a0960\u2011401", "+44 1632 960401"])
def test_link_worker_number_is_printed_as_dialled(written: str) -> None:
    assert LinkWorker.model_validate({**ENTRY, "telephone": written}).telephone == "01632 960401"


@pytest.mark.parametrize(
    "written", ["O1632 960401", "01632 96O4O1", "01632 960401 Priya", "", "ask reception"]
)
def test_link_worker_number_with_letters_is_refused(written: str) -> None:
    with pytest.raises(ValidationError) as refused:
        LinkWorker.model_validate({**ENTRY, "telephone": written})
    assert [error["loc"] for error in refused.value.errors()] == [("telephone",)]
