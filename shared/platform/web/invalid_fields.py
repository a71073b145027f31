"""`aria-invalid` on every field in error: the NHS components say it in words and colour alone.

The templates in `templates/nhsuk/components` stand in for the macros of the NHS components and pass their
parameters through here. So no page has to think of it.
"""

from collections.abc import Mapping
from typing import Any

Params = Mapping[str, Any]

_INVALID = {"aria-invalid": "true"}


def invalid_field(params: Params) -> dict[str, Any]:
    """The parameters of an input, a text area or a select, marked if it has an error."""
    if not _in_error(params):
        return dict(params)
    return {**params, "attributes": {**(params.get("attributes") or {}), **_INVALID}}


def invalid_radios(params: Params) -> dict[str, Any]:
    """The parameters of radio buttons: the group is marked, since ARIA has no invalid radio button."""
    fieldset = params.get("fieldset")
    if not _in_error(params) or not fieldset:
        return dict(params)
    marked = {**(fieldset.get("attributes") or {}), **_INVALID}
    return {**params, "fieldset": {**fieldset, "role": "radiogroup", "attributes": marked}}


def invalid_checkboxes(params: Params) -> dict[str, Any]:
    """The parameters of checkboxes: each is marked, since ARIA has no invalid group of them."""
    if not _in_error(params):
        return dict(params)
    items = [
        {**item, "attributes": {**(item.get("attributes") or {}), **_INVALID}}
        for item in params.get("items") or ()
        if item
    ]
    return {**params, "items": items}


def _in_error(params: Params) -> bool:
    # One box of a date that is wrong is told by its class alone.
    return bool(params.get("errorMessage")) or "nhsuk-input--error" in str(params.get("classes") or "")
