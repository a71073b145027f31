"""Reading the fields of a form that a browser sent."""

from typing import Final

from starlette.datastructures import FormData

from shared.platform.web.csrf import IDEMPOTENCY_FIELD

_MAX_KEY: Final = 80


def text_field(form: FormData, name: str, max_length: int | None = None) -> str:
    """The text of a field without the space around it, cut at `max_length` characters.

    Empty if the field was not sent, or if a file was sent in it.
    """
    value = form.get(name)
    return value.strip()[:max_length] if isinstance(value, str) else ""


def idempotency_key(form: FormData) -> str:
    """The hidden key that makes a form sent twice take effect once; empty if there is none."""
    return text_field(form, IDEMPOTENCY_FIELD, _MAX_KEY)
