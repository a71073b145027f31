"""A programme's own table of who may say what: by kind and role, "any" or "own" referrals. Pure.

Admission asks it. The fold judges by the kinds and parts of `authority`, whatever a programme's table says;
so a table may keep partners from saying a kind, and not widen what counts.
"""

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from shared.contract.authority import (
    GUARDED,
    TABLE,
    Referrals,
    Rule,
    SourceRole,
    Table,
    event_of_kind,
    parts_of,
)
from shared.contract.events.topics import SOURCE_PARTS

PARTNER: Final[SourceRole] = "partner"
ROLES: Final[tuple[SourceRole, ...]] = (*SOURCE_PARTS, PARTNER)
REFERRALS: Final[tuple[Referrals, ...]] = get_args(Referrals)
# Kind -> role -> whose referrals.
Says = Mapping[str, Mapping[SourceRole, Referrals]]


def says_of(table: Table) -> dict[str, dict[SourceRole, Referrals]]:
    """The table by kind and role."""
    says: dict[str, dict[SourceRole, Referrals]] = {}
    for rule in table:
        says.setdefault(rule.kind, {}).update(dict.fromkeys(sorted(rule.sources), rule.referrals))
    return says


_OURS: Final = says_of(TABLE)


def rules_of(says: Says) -> Table:
    """The rules of a programme's table. Our own parts say what they say, also kinds that it leaves out.

    A version of an earlier contract lacks kinds that our parts say by now; one of a later contract has kinds
    that are not known yet, and that nobody can say here.
    """
    rules: list[Rule] = []
    for kind, ours in _OURS.items():
        needed = {role: whose for role, whose in ours.items() if role != PARTNER}
        roles = {**says.get(kind, {}), **needed}
        lines: dict[tuple[str, Referrals], set[SourceRole]] = {}
        first, *_ = parts_of(kind)
        for role, whose in roles.items():
            part = role if role in parts_of(kind) else first
            lines.setdefault((part, whose), set()).add(role)
        rules += [
            Rule(part, event_of_kind(kind), kind, frozenset(lines[part, whose]), whose)
            for part in parts_of(kind)
            for whose in REFERRALS
            if (part, whose) in lines
        ]
    return tuple(rules)


def faults(says: Says) -> Iterator[str]:
    """Faults of a table that is to be published, one sentence a fault."""
    for kind in sorted(says.keys() - _OURS.keys()):
        yield f"{kind} is not a kind of the contract; is it misspelt?"
    for kind, ours in _OURS.items():
        said = says.get(kind, {})
        for role, whose in ours.items():
            if role != PARTNER and said.get(role) != whose:
                yield f'{kind}: our own part {role} needs it: write {role} = "{whose}".'
        for role, whose in said.items():
            yield from _beyond(kind, role, whose, ours)


def _beyond(
    kind: str, role: SourceRole, whose: Referrals, ours: Mapping[SourceRole, Referrals]
) -> Iterator[str]:
    """Rights that the fold would not count, or not judge."""
    if role not in ours and kind in GUARDED:
        yield f"{kind}: the fold counts it from {', '.join(sorted(ours))} only, so {role} cannot say it."
    elif role == PARTNER and whose != ours.get(role, "any"):
        known = ours.get(role, "any")
        yield f'{kind}: the fold judges it as partner = "{known}", so this is the only value beside none.'
    elif role not in ours and whose == "own":
        yield f'{kind}: the fold does not judge whose referral it is about: write {role} = "any".'
