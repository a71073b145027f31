"""Compares two AsyncAPI documents: what somebody who connects by the old one no longer finds. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contract.compatibility.breach import Breach
from shared.contract.compatibility.schemas import differences

Document = Mapping[str, Any]


def compare(file: str, old: Document, new: Document) -> Iterator[Breach]:
    """The incompatible changes of a document. Bodies are compared by their schemas."""
    yield from _servers(file, old, new)
    channels = new.get("channels", {})
    for name, channel in old.get("channels", {}).items():
        if name not in channels:
            yield Breach("removed_channel", file, name)
            continue
        if channel["address"] != channels[name]["address"]:
            yield Breach("address", file, name, detail=channels[name]["address"])
        if _partitions(channel) != _partitions(channels[name]):
            yield Breach("partitions", file, name, detail=str(_partitions(channels[name])))
    for name, operation in old.get("operations", {}).items():
        yield from _operation(file, name, operation, old, new)


def _servers(file: str, old: Document, new: Document) -> Iterator[Breach]:
    for name, server in old.get("servers", {}).items():
        ways = [each["$ref"] for each in new.get("servers", {}).get(name, {}).get("security", ())]
        for each in server.get("security", ()):
            scheme = each["$ref"].rsplit("/", 1)[-1]
            if each["$ref"] not in ways or _scheme(old, scheme) != _scheme(new, scheme):
                yield Breach("security", file, f"servers.{name}", detail=scheme)


def _scheme(document: Document, name: str) -> Any:
    return document.get("components", {}).get("securitySchemes", {}).get(name, {}).get("type")


def _partitions(channel: Mapping[str, Any]) -> Any:
    return channel.get("bindings", {}).get("kafka", {}).get("partitions")


def _operation(
    file: str, name: str, operation: Mapping[str, Any], old: Document, new: Document
) -> Iterator[Breach]:
    found = new.get("operations", {}).get(name)
    if found is None:
        yield Breach("removed_operation", file, name)
        return
    if (found["action"], found["channel"]) != (operation["action"], operation["channel"]):
        yield Breach("operation", file, name)
    mine, theirs = _group(operation), _group(found)
    if mine is not None and mine != theirs:
        yield Breach("operation", file, name, detail="groupId")
    kept = {each["$ref"].rsplit("/", 1)[-1] for each in found["messages"]}
    for each in operation["messages"]:
        message = each["$ref"].rsplit("/", 1)[-1]
        if message not in kept:
            yield Breach("removed_message", file, f"{name}.{message}")
        else:
            yield from _headers(file, f"{name}.{message}", operation["action"], message, old, new)


def _group(operation: Mapping[str, Any]) -> Any:
    group = operation.get("bindings", {}).get("kafka", {}).get("groupId", {})
    return group.get("const") or group.get("pattern")


def _headers(
    file: str, place: str, action: str, message: str, old: Document, new: Document
) -> Iterator[Breach]:
    before, after = (each["components"]["messages"].get(message, {}) for each in (old, new))
    if before.get("bindings") and before["bindings"]["kafka"]["key"] != after["bindings"]["kafka"]["key"]:
        yield Breach("partitions", file, place, detail="key")
    mine, theirs = before.get("headers"), after.get("headers")
    if mine is None or theirs is None:
        return
    if action == "send":
        found = differences(mine, theirs, of=(old, new))
        yield from (Breach(d.rule, file, f"{place}.headers.{d.place}", "senders", d.detail) for d in found)
    else:
        found = differences(theirs, mine, of=(new, old))
        yield from (
            _for_readers(Breach(d.rule, file, f"{place}.headers.{d.place}", "readers", d.detail))
            for d in found
        )


def _for_readers(breach: Breach) -> Breach:
    """To a reader, a property that the old schema requires is one that may now be missing."""
    if breach.rule != "new_required":
        return breach
    return Breach("no_longer_required", breach.file, breach.place, breach.party, breach.detail)
