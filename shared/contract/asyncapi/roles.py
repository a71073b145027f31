"""The kinds of fact that a part or a partner says, and the service in whose group a part reads."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from shared.contract.authority import TABLE, SourceRole
from shared.contract.events import topics

Kind = str
# A part, or a partner that owns none.
View = Literal["referral", "booking", "casework", "directory", "notifications", "evaluation", "partner"]

# The service that runs each part of ours.
SERVICE_OF: Final[Mapping[topics.SourcePart, topics.Part]] = {
    "referral": "referral",
    "booking": "matching",
    "casework": "matching",
    "directory": "matching",
    "notifications": "notifications",
    "evaluation": "evaluation",
}


def said_by(role: SourceRole) -> tuple[tuple[topics.EventName, Kind], ...]:
    """The events and kinds that sources of this role say, in the order of the table, each once."""
    return tuple(dict.fromkeys((rule.event, rule.kind) for rule in TABLE if role in rule.sources))


def own_only(role: SourceRole, kind: Kind) -> bool:
    """True if sources of this role say the kind about referrals alone that they created."""
    rules = [rule for rule in TABLE if rule.kind == kind and role in rule.sources]
    return bool(rules) and all(rule.referrals == "own" for rule in rules)


def parts_of_service(service: topics.Part) -> tuple[topics.SourcePart, ...]:
    """The parts that one of our services runs."""
    return tuple(part for part, runs in SERVICE_OF.items() if runs == service)


def every_kind() -> tuple[tuple[topics.EventName, Kind], ...]:
    """Every event and kind of the contract, events in their order and kinds in the order of the table."""
    known = tuple(dict.fromkeys((rule.event, rule.kind) for rule in TABLE))
    return tuple(sorted(known, key=lambda each: topics.EVENTS.index(each[0])))


def merged(roles: Iterable[SourceRole]) -> tuple[tuple[topics.EventName, Kind], ...]:
    """The events and kinds that sources of any of these roles say, each once."""
    return tuple(dict.fromkeys(each for role in roles for each in said_by(role)))
