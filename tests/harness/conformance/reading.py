"""The published schemas of what a reader takes, as a small part reads by them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from conformance.bundle import place


@cache
def _schema(event: str) -> Draft202012Validator:
    path = place("schemas") / "reading" / f"org.linkwork.{event}.v1.json"
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def readable(event: str, data: Mapping[str, Any]) -> bool:
    """True for a body that a reader takes."""
    return bool(_schema(event).is_valid(data))
