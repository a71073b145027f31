"""The published schemas in a validator that is not ours."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema

from shared.contract.events.schema import FOLDER


def _as_ecma(
    validator: Any, pattern: str, instance: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """`pattern` by ECMA-262, as JSON Schema asks: Python's `$` would let a line end pass."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance, re.ASCII):
        yield jsonschema.ValidationError("another form")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _as_ecma})


@cache
def schema_of(name: str) -> Any:
    """A committed schema: `<type>.json`, or `reading/<type>.json`."""
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


@cache
def validator(name: str) -> Any:
    """A validator of that schema."""
    return Validator(schema_of(name))
