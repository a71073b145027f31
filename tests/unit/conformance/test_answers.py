"""Answers of a part: a missing field breaks the clause, and is named."""

import httpx
import pytest

from conformance.answers import document
from conformance.clause import Broken


def test_document_gives_fields_of_nested_objects() -> None:
    found = document(httpx.Response(200, json={"meeting": {"meeting_id": "a"}}))
    assert found["meeting"]["meeting_id"] == "a"


@pytest.mark.parametrize("body", [{}, {"meeting": {"place": "Room 1"}}])
def test_field_that_is_missing_breaks_the_clause(body: dict[str, object]) -> None:
    with pytest.raises(Broken, match="a field `meeting"):
        _ = document(httpx.Response(200, json=body))["meeting"]["meeting_id"]


@pytest.mark.parametrize("text", ["", "<p>no JSON</p>", "[]", "null", "\xff"])
def test_text_that_is_no_object_breaks_the_clause(text: str) -> None:
    with pytest.raises(Broken) as broken:
        document(httpx.Response(502, content=text.encode("latin-1")))
    assert broken.value.expected == "a JSON object"
    assert broken.value.came.startswith("502")
