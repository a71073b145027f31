"""The incompatible changes between two versions of the contract. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.contract.compatibility import asyncapi, openapi
from shared.contract.compatibility.breach import Breach
from shared.contract.compatibility.schemas import differences, removed_properties

# The files of a version by path: schemas/, asyncapi/, openapi/ and vectors.json.
Version = Mapping[str, Any]
READING: Final = "schemas/reading/"
VECTORS: Final = "vectors.json"
_SCHEMAS: Final = "schemas/"


def breaches(old: Version, new: Version) -> list[Breach]:
    """Every incompatible change, in the order of the files; empty if the new version may take its place."""
    return list(dict.fromkeys(_breaches(old, new)))


def _breaches(old: Version, new: Version) -> Iterator[Breach]:
    for path, before in old.items():
        after = new.get(path)
        if path == VECTORS:
            yield from _vectors(path, before, after or {})
        elif path.startswith(READING):
            continue  # Compared with what is published for senders.
        elif after is None:
            yield Breach("removed_schema" if path.startswith(_SCHEMAS) else "removed_document", path, "")
        elif path.startswith(_SCHEMAS):
            reading = old.get(READING + path.removeprefix(_SCHEMAS), before)
            yield from _schemas(path, before, reading, after)
        elif path.startswith("asyncapi/"):
            yield from asyncapi.compare(path, before, after)
        else:
            yield from openapi.compare(path, before, after)


def _schemas(path: str, sent: Version, read: Version, after: Version) -> Iterator[Breach]:
    """Senders by the old schema are still understood; readers by the old one still read what is sent."""
    for each in (*differences(sent, after), *removed_properties(sent, after)):
        yield Breach(each.rule, path, each.place, "senders", each.detail)
    for each in differences(after, read):
        rule = "no_longer_required" if each.rule == "new_required" else each.rule
        yield Breach(rule, path, each.place, "readers", each.detail)


def _vectors(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Breach]:
    for name, digest in before.items():
        if name not in after:
            yield Breach("removed_vector", path, name)
        elif after[name] != digest:
            yield Breach("changed_vector", path, name)
