"""Answers of the part over HTTP, read so that a report names a field that is missing."""

import json
from typing import Any, Final

import httpx

from conformance.clause import Broken

_SHOWN: Final = 300


class Answer(dict[str, Any]):
    """A JSON object. Reading a field that it does not have breaks the clause."""

    def __missing__(self, name: str) -> Any:
        raise Broken(f"a field `{name}`", json.dumps(self)[:_SHOWN])


def document(answer: httpx.Response) -> Answer:
    """The JSON object of an answer. Raises Broken for any other text."""
    try:
        found = json.loads(answer.content, object_hook=Answer)
    except ValueError:
        found = None
    if not isinstance(found, Answer):
        raise Broken("a JSON object", f"{answer.status_code} {answer.text[:_SHOWN]}")
    return found
