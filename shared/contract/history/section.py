"""Sections of a referral's history: what a section is, and how a service's fold version follows from them."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from shared.contract.events.envelope import Body
from shared.contract.history.effective import EffectiveFacts

Fields = Mapping[str, Any]


def _no_fields(_: EffectiveFacts) -> Fields:
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One part of the fold, with a version of its own. A service picks the sections that it reads.

    Attributes:
        version: raise it when the fold of the section, or what is derived from it, gives another result.
        kinds: the section is folded only if a fact of one of these kinds is there.
        empty: the section's fields of `ReferralHistory` if no such fact is there.
        fold: the fields that the effective facts give; a field that it leaves out stays empty.
        needs: sections that this one reads. Who picks this one has those too.
    """

    name: str
    version: int
    kinds: Set[type[Body]] = frozenset()
    empty: Fields = field(default_factory=dict)
    fold: Callable[[EffectiveFacts], Fields] = _no_fields
    needs: tuple["Section", ...] = ()


def with_needs(picked: Iterable[Section]) -> tuple[Section, ...]:
    """The picked sections and all that they need, each once, in order of their names."""
    found: dict[str, Section] = {}
    waiting = list(picked)
    while waiting:
        section = waiting.pop()
        if section.name not in found:
            found[section.name] = section
            waiting += section.needs
    return tuple(found[name] for name in sorted(found))


def fold_version(own: int, picked: Iterable[Section]) -> int:
    """The version of a service's fold: its own and those of the sections that it reads, added up.

    Raising any of them raises the sum, so stored referrals are folded again. A service that stops reading a
    section raises its own version by more than the section's.
    """
    return own + sum(section.version for section in with_needs(picked))
