"""Compares two OpenAPI documents: what a client of the old one can no longer do, or no longer reads. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.contract.compatibility.breach import Breach
from shared.contract.compatibility.schemas import differences, removed_properties

Document = Mapping[str, Any]
_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")


def compare(file: str, old: Document, new: Document) -> Iterator[Breach]:
    """The incompatible changes of a document."""
    for path, item in old.get("paths", {}).items():
        for method in _METHODS:
            if method not in item:
                continue
            place = f"{method.upper()} {path}"
            found = new.get("paths", {}).get(path, {}).get(method)
            if found is None:
                yield Breach("removed_operation", file, place)
            else:
                yield from _operation(file, place, item[method], found, (old, new))


def _operation(
    file: str, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], of: tuple[Document, Document]
) -> Iterator[Breach]:
    ways = theirs.get("security", of[1].get("security"))
    before = mine.get("security", of[0].get("security"))
    if any(each not in (ways or ()) for each in before or ()) or (bool(ways) and not before):
        yield Breach("security", file, place)
    yield from _parameters(file, place, mine, theirs, of)
    sent, taken = _body(mine), _body(theirs)
    if theirs.get("requestBody", {}).get("required") and not mine.get("requestBody", {}).get("required"):
        yield Breach("new_parameter", file, f"{place}.body", "senders")
    if sent is not None and taken is not None:
        found = [*differences(sent, taken, of=of), *removed_properties(sent, taken, of=of)]
        yield from (Breach(d.rule, file, f"{place}.body.{d.place}", "senders", d.detail) for d in found)
    for status, answer in mine.get("responses", {}).items():
        yield from _answer(file, f"{place}.{status}", answer, theirs["responses"].get(status), of)


def _parameters(
    file: str, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], of: tuple[Document, Document]
) -> Iterator[Breach]:
    before = {(each["in"], each["name"]): each for each in mine.get("parameters", ())}
    after = {(each["in"], each["name"]): each for each in theirs.get("parameters", ())}
    for (where, name), each in after.items():
        known = before.get((where, name))
        if each.get("required") and (known is None or not known.get("required")):
            yield Breach("new_parameter", file, f"{place}.{name}", "senders", where)
        elif known is not None:
            found = differences(known.get("schema", {}), each.get("schema", {}), of=of)
            yield from (Breach(d.rule, file, f"{place}.{name}", "senders", d.detail) for d in found)
    for where, name in before.keys() - after.keys():
        yield Breach("removed_property", file, f"{place}.{name}", "senders", where)


def _body(operation: Mapping[str, Any]) -> Any:
    return _schema(operation.get("requestBody", {}))


def _schema(holder: Mapping[str, Any]) -> Any:
    for media in holder.get("content", {}).values():
        return media.get("schema")
    return None


def _answer(
    file: str,
    place: str,
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any] | None,
    of: tuple[Document, Document],
) -> Iterator[Breach]:
    if theirs is None:
        yield Breach("removed_answer", file, place, "readers")
        return
    before, after = _schema(mine), _schema(theirs)
    if before is None:
        return
    if after is None:
        yield Breach("removed_answer", file, place, "readers", "body")
        return
    for each in differences(after, before, of=(of[1], of[0])):
        rule = "no_longer_required" if each.rule == "new_required" else each.rule
        yield Breach(rule, file, f"{place}.{each.place}", "readers", each.detail)
    for each in removed_properties(before, after, of=of):
        yield Breach(each.rule, file, f"{place}.{each.place}", "readers", each.detail)
