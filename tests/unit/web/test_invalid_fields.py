"""A field in error is marked for assistive technology, whichever component shows it."""

import re

import pytest

from shared.platform.web.pages import Pages
from shared.platform.web.settings import ServiceSettings

ONE = {"name": "field", "id": "field", "label": {"text": "Field"}}
CHOICE = {**ONE, "idPrefix": "field", "fieldset": {"legend": {"text": "Field"}}}
CHOICES = {**CHOICE, "items": [{"value": "a", "text": "A"}, {"value": "b", "text": "B"}]}
DATE = {**CHOICE, "items": [{"name": "field-day", "label": "Day"}, {"name": "field-year", "label": "Year"}]}
MARK = 'aria-invalid="true"'

COMPONENTS = [
    ("input", "input", ONE, r"<input[^>]*", 1),
    ("textarea", "textarea", ONE, r"<textarea[^>]*", 1),
    ("character-count", "characterCount", {**ONE, "maxlength": 300}, r"<textarea[^>]*", 1),
    ("select", "select", {**ONE, "items": [{"value": "a", "text": "A"}]}, r"<select[^>]*", 1),
    ("date-input", "dateInput", DATE, r"<input[^>]*", 2),
    ("checkboxes", "checkboxes", CHOICES, r"<input[^>]*", 2),
    ("radios", "radios", CHOICES, r'<fieldset[^>]* role="radiogroup"[^>]*', 1),
]


@pytest.mark.parametrize(("folder", "macro", "params", "element", "count"), COMPONENTS)
def test_a_field_in_error_is_marked_invalid(
    folder: str, macro: str, params: dict[str, object], element: str, count: int
) -> None:
    source = f'{{% from "nhsuk/components/{folder}/macro.jinja" import {macro} %}}{{{{ {macro}(params) }}}}'
    template = Pages(ServiceSettings(env="development")).environment.from_string(source)
    wrong = template.render(params={**params, "errorMessage": {"text": "Enter it"}})
    marked = [found for found in re.findall(element, wrong) if MARK in found]
    assert (len(marked), wrong.count(MARK)) == (count, count)
    assert MARK not in template.render(params=params)


def test_attributes_of_a_field_are_kept_beside_the_mark() -> None:
    source = '{% from "nhsuk/components/input/macro.jinja" import input %}{{ input(params) }}'
    params = {**ONE, "attributes": {"maxlength": 9}, "errorMessage": {"text": "Enter it"}}
    html = Pages(ServiceSettings(env="development")).environment.from_string(source).render(params=params)
    assert 'maxlength="9"' in html
    assert MARK in html
