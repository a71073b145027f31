"""The published contract as the kit reads it: texts of clauses, schemas, vectors, stories, rights."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator

from conformance.bundle import place

PARTS: Final = ("referral", "booking", "casework", "directory", "notifications", "evaluation")
EVENTS: Final = ("referral-created", "meeting-booked", "outcome-recorded")
_TEXTS: Final = ("duties.md", "fold.md", "rules.md", "hand-over.md", "lookups.md", "compatibility.md")
# A duty, a rule of the fold, a row of the rules of a record.
_FORMS: Final = (
    r"^- \*\*{}\*\* (.+)$",
    r"^\*\*{}\.\*\* (.+)$",
    r"^\| {} \| (.+?) \|",
)


@cache
def version() -> str:
    """The version of the contract that the kit tries."""
    return str(json.loads(place("status.json").read_text("utf-8"))["version"])


@cache
def quote(number: str) -> str:
    """The text of a clause, as the contract has it. Raises KeyError for a number that no text has."""
    for name in _TEXTS:
        path = place("texts") / name
        text = path.read_text("utf-8") if path.exists() else ""
        for form in _FORMS:
            if found := re.search(form.format(re.escape(number)), text, re.MULTILINE):
                return found[1].strip()
    raise KeyError(number)


@cache
def authority() -> Mapping[str, frozenset[str]]:
    """The parts that say each kind, by kind."""
    found: dict[str, frozenset[str]] = {}
    for rule in json.loads((place("schemas") / "authority.json").read_text("utf-8"))["rules"]:
        found[rule["kind"]] = found.get(rule["kind"], frozenset()) | {rule["part"]}
    return found


@cache
def _strict(event: str) -> Draft202012Validator:
    path = place("schemas") / f"org.linkwork.{event}.v1.json"
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def differences(event: str, data: Mapping[str, Any]) -> list[str]:
    """The places at which a body differs from the schema of what may be published."""
    return [
        f"/{'/'.join(map(str, each.path))} ({each.validator})" for each in _strict(event).iter_errors(data)
    ]


def stories() -> Iterator[Mapping[str, Any]]:
    """The golden stories."""
    for path in sorted(place("stories").glob("*.json")):
        yield json.loads(path.read_text("utf-8"))


def vectors(name: str) -> list[Mapping[str, Any]]:
    """The vectors of one file of the fold, such as `meetings`."""
    found: list[Mapping[str, Any]] = json.loads((place("vectors") / f"{name}.json").read_text("utf-8"))[
        "vectors"
    ]
    return found


def sources(name: str) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """The priorities of sources by which the vectors of a file fold, and the parts that partners bring."""
    file = json.loads((place("vectors") / f"{name}.json").read_text("utf-8"))
    return file["source_priorities"], file["source_parts"]


@cache
def answer_of(part: str, method: str, path: str) -> Any:
    """The example of an operation's answer, as the part's OpenAPI document has it."""
    api = json.loads((place("api") / f"{part}.openapi.json").read_text("utf-8"))
    content = api["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"]
    return next(iter(content["examples"].values()))["value"]


def examples() -> Iterator[Mapping[str, Any]]:
    """One example of each kind of outcome: events in the CloudEvents JSON format."""
    for path in sorted((place("examples") / "outcome-recorded").glob("*.json")):
        yield json.loads(path.read_text("utf-8"))
