"""Owners, epochs and hand-overs under way, from a locality's entry of the table; the change of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.contract.events.topics import SourcePart
from shared.platform.localities.document import Document
from shared.platform.localities.entries import Entry, LocalitiesError
from shared.platform.localities.model import OURS, PARTS, Claim, Source

OWNERS: Final = "owners"
HANDING_OVER: Final = "handing_over"
# What `linkwork hand-over` alone changes in a locality's entry.
_OF_HAND_OVERS: Final = (OWNERS, HANDING_OVER)
_HIGHEST_EPOCH: Final = 1_000_000
# Scheme, host and port, and nothing behind them: no user, no path.
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?", re.ASCII
)


def owners_of(entry: Entry, sources: Collection[Source]) -> tuple[dict[str, str], dict[str, int]]:
    """Owner and epoch by part. An owner alone is that of epoch 0.

    Raises:
        LocalitiesError: a part is none, or its owner is neither linkwork nor a source that brings it.
    """
    if not entry.has(OWNERS):
        return {}, {}
    named = entry.entry(OWNERS)
    owners: dict[str, str] = {}
    epochs: dict[str, int] = {}
    for name in named.names():
        part = _part(named, name)
        if named.is_text(part):
            owners[part] = named.text(part)
        else:
            owner = named.entry(part)
            owners[part] = owner.text("owner")
            epochs[part] = owner.whole("epoch", at_least=0, at_most=_HIGHEST_EPOCH)
            owner.done()
        _check_owner(f"{named.where}, {part}", part, owners[part], sources)
        if owners[part] != OURS and not epochs.get(part):
            raise LocalitiesError(
                f"{named.where}, {part}: epoch must be at least 1, since {owners[part]} owns the part: "
                "`linkwork hand-over` raises it."
            )
    return owners, epochs


def claims_of(entry: Entry, sources: Collection[Source]) -> dict[str, Claim]:
    """The hand-overs under way, by part.

    Raises:
        LocalitiesError: a part is none, or is to go to neither linkwork nor a source that brings it.
    """
    if not entry.has(HANDING_OVER):
        return {}
    named = entry.entry(HANDING_OVER)
    claims: dict[str, Claim] = {}
    for name in named.names():
        part = _part(named, name)
        claim = named.entry(part)
        claims[part] = Claim(claim.text("to"), claim.moment("since"))
        claim.done()
        _check_owner(claim.where, part, claims[part].to, sources)
    return claims


def _part(named: Entry, name: str) -> SourcePart:
    part = next((part for part in PARTS if part == name), None)
    if part is None:
        raise LocalitiesError(f"{named.where}: {name} is not a part; parts are {', '.join(PARTS)}.")
    return part


def _check_owner(where: str, part: SourcePart, owner: str, sources: Iterable[Source]) -> None:
    if owner != OURS and not any(each.name == owner and each.brings == part for each in sources):
        raise LocalitiesError(
            f"{where}: {owner} is neither {OURS} nor a source of this locality whose part is {part}."
        )


def is_address(text: str) -> bool:
    """True for the address of a host: https, or http on this machine's loopback."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and (found["scheme"] == "https" or _is_loopback(found["host"].strip("[]")))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Stands:
    """Owner, epoch and claim of a part, as a document has them."""

    owner: str = OURS
    epoch: int = 0
    claim: Claim | None = None


def stands(document: Document, slug: str, part: SourcePart) -> Stands:
    """How a part stands in a document that is a table."""
    entry = _entry(document, slug)
    owner = (entry.get(OWNERS) or {}).get(part, OURS)
    claim = (entry.get(HANDING_OVER) or {}).get(part)
    if isinstance(owner, str):
        owner = {"owner": owner, "epoch": 0}
    under_way = Claim(claim["to"], Entry(slug, claim).moment("since")) if claim else None
    return Stands(owner["owner"], owner["epoch"], under_way)


def with_claim(document: Document, slug: str, part: SourcePart, claim: Claim) -> Document:
    """The document in which this hand-over is under way."""
    claims = _entry(document, slug).get(HANDING_OVER) or {}
    row = {"to": claim.to, "since": claim.since.isoformat()}
    return _changed(document, slug, {HANDING_OVER: {**claims, part: row}})


def without_claim(document: Document, slug: str, part: SourcePart) -> Document:
    """The document in which no hand-over of the part is under way."""
    claims = _entry(document, slug).get(HANDING_OVER) or {}
    left = {name: claim for name, claim in claims.items() if name != part}
    return _changed(document, slug, {HANDING_OVER: left or None})


def with_owner(document: Document, slug: str, part: SourcePart, owner: str, epoch: int) -> Document:
    """The document in which the part has this owner, and no hand-over of it is under way."""
    owners = _entry(document, slug).get(OWNERS) or {}
    changes = {OWNERS: {**owners, part: {"owner": owner, "epoch": epoch}}}
    return without_claim(_changed(document, slug, changes), slug, part)


def with_hand_overs_of(document: Document, standing: Document) -> Document:
    """The document with the owners and hand-overs that stand, where it says nothing of them.

    Raises:
        LocalitiesError: it says something else.
    """
    made = document
    for slug in _slugs(document) & _slugs(standing):
        before, entry = _entry(standing, slug), _entry(document, slug)
        for key in _OF_HAND_OVERS:
            stands, says = before.get(key) or None, entry.get(key) or None
            if says is not None and says != stands:
                raise LocalitiesError(
                    f"locality {slug}: {key} differs from what stands. Leave it out: `linkwork hand-over` "
                    "alone changes who owns a part."
                )
            if says is None and stands is not None:
                made = _changed(made, slug, {key: stands})
    return made


def _slugs(document: Document) -> set[str]:
    entries = document.get("locality")
    if not isinstance(entries, list):
        return set()
    return {str(entry.get("slug")) for entry in entries if isinstance(entry, Mapping)}


def _entry(document: Document, slug: str) -> Mapping[str, Any]:
    entries = (each for each in document["locality"] if isinstance(each, Mapping))
    return next(each for each in entries if each.get("slug") == slug)


def _changed(document: Document, slug: str, changes: Mapping[str, Any]) -> Document:
    """The document with these keys of a locality's entry; None takes a key away."""
    entries = [
        {key: value for key, value in {**entry, **changes}.items() if value is not None}
        if isinstance(entry, Mapping) and entry.get("slug") == slug
        else entry
        for entry in document["locality"]
    ]
    return {**document, "locality": entries}
