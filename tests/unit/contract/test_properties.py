"""Properties of schemas in words, and documents as pages."""

from typing import Any

import pytest

from services.referral.contract.markdown import document_of
from services.referral.contract.properties import Property, properties_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-x$", "description": "The referral."},
        "needs": {"type": "array", "items": {"$ref": "#/$defs/Need"}, "minItems": 1, "maxItems": 14},
        "on": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "description": "The day."},
        "weeks": {"type": ["integer", "null"], "minimum": 1, "maximum": 104},
        "made": {"$ref": "#/$defs/Made"},
        "kind": {"const": "x", "type": "string"},
        "code": {"type": "string", "pattern": "^[A-Z]$"},
        "day": {"type": "string", "pattern": "^((19|20|21)[0-9]{2}-x)$"},
        "at": {"type": "string", "pattern": "^((19|20|21)[0-9]{2}-x)T([0-9])$"},
    },
    "$defs": {
        "Need": {"type": "string", "enum": ["debt", "job"], "$comment": "Open list: more may come."},
        "Made": {"type": "object", "required": ["by"], "properties": {"by": {"type": "boolean"}}},
    },
}


def test_properties_are_named_by_path_with_their_values_in_words() -> None:
    assert properties_of(SCHEMA) == [
        Property("id", "UUID in lower case", True, "The referral."),
        Property("needs[]", "list of codes, 1 to 14 of them", False, "", ("debt", "job"), True),
        Property("on", "day, such as 2026-12-02", False, "The day."),
        Property("weeks", "whole number, 1 to 104", False, ""),
        Property("made", "object", False, ""),
        Property("made.by", "true or false", True, ""),
        Property("kind", "this code", False, "", ("x",)),
        Property("code", "text of the form ^[A-Z]$", False, ""),
        Property("day", "day, such as 2026-12-02", False, ""),
        Property("at", "moment, RFC 3339", False, ""),
    ]


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("fold.md#meetings", "/contract/about/fold#meetings"),
        ("README.md", "/contract/"),
        ("../../shared/contract/history/vectors/counting.json", "/contract/vectors/counting.json"),
        ("../../shared/contract/stories/erased.json", "/contract/stories/erased.json"),
        ("../../shared/contract/events/schemas/a.json", "/contract/schemas/a.json"),
        ("../../shared/contract/events/vectors/README.md", "/contract/about/vectors-of-the-log"),
        ("duties.json", "/contract/duties.json"),
        ("https://cloudevents.io", "https://cloudevents.io"),
        ("#a", "#a"),
    ],
)
def test_document_link_leads_to_the_address_of_the_front(target: str, address: str) -> None:
    assert f'href="{address}"' in document_of(f"# A\n\n[b]({target})").html


def test_document_link_to_what_is_not_served_leads_nowhere() -> None:
    assert "href" not in document_of("[b](../../tests/conftest.py)").html


def test_document_link_begins_in_its_own_folder() -> None:
    page = document_of("[b](../../../docs/contract/fold.md#f1)", "shared/contract/stories")
    assert 'href="/contract/about/fold#f1"' in page.html


def test_document_has_title_anchors_and_no_html_of_its_own() -> None:
    page = document_of("# The `fold`\n\n## Rule 1\n\n## Rule 1\n\n<b>x</b>\n\n| a |\n|---|\n| 1 |\n")
    assert page.title == "The fold"
    assert 'id="rule-1"' in page.html
    assert 'id="rule-1-2"' in page.html
    assert "<b>" not in page.html
    assert '<th scope="col"' in page.html
