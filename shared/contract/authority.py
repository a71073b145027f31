"""The rights to publish: one table of parts, kinds and sources, and the faults of a record by it.

Pure. Admission refuses by `refusal_of`. What depends on other facts, such as whether the referral of a
meeting is created, is left to the fold (`history/effective.py`): there a fact counts, or not yet.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import kind_of
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import Retracted
from shared.contract.events.topics import EventName, SourcePart

FORMAT: Final = 1

# As what the programme names a source: as a part's, or as a partner's that owns no part.
SourceRole = SourcePart | Literal["partner"]
# `own`: those that the same source created. One record cannot show that, so the fold judges it.
Referrals = Literal["any", "own"]
# The roles of a source; none if no list names the source.
RolesOf = Callable[[str], frozenset[SourceRole]]
# Why a record is refused, by code.
Refusal = Literal["unknown_source", "unknown_kind", "not_yours_to_say", "not_your_fact", "unknown_practice"]

REFUSALS: Final[Mapping[Refusal, str]] = {
    "unknown_source": "No list of this locality names the source.",
    "unknown_kind": "The table names no such kind of fact.",
    "not_yours_to_say": "A source of this role does not say this kind of fact.",
    "not_your_fact": "A partner retracts facts of its own source only.",
    "unknown_practice": "The practice is not one of this locality.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: sources of these roles say this kind, a fact of this part, about these referrals."""

    part: SourcePart
    event: EventName
    kind: str
    sources: frozenset[SourceRole]
    referrals: Referrals = "any"


Table = Sequence[Rule]

# Kinds that a partner says only about referrals that it created, and an unknown source never. By them
# somebody reads of a person, is texted in their place, or makes a case vanish.
GUARDED: Final[Mapping[str, SourcePart]] = {
    "contact_changed": "referral",
    "person_erased": "referral",
    "link_worker_changed": "casework",
    "sharing_changed": "casework",
}
# The first part of each kind says it, if a decision names no other.
_OPEN: Final[Mapping[str, tuple[SourcePart, ...]]] = {
    "meeting_booked": ("booking",),
    "referral_withdrawn": ("referral",),
    "meeting_waiting": ("booking",),
    "meeting_cancelled": ("booking",),
    "contact_attempted": ("casework",),
    "meeting_attended": ("casework",),
    "meeting_missed": ("casework",),
    "plan_agreed": ("casework",),
    "service_prescribed": ("casework",),
    # Services say these three themselves, on the page behind their one-tap link.
    "provider_replied": ("casework", "directory"),
    "activity_started": ("casework", "directory"),
    "activity_not_started": ("casework", "directory"),
    "activity_ended": ("casework",),
    "measured": ("casework",),
    "need_unmet": ("casework",),
    "referral_declined": ("casework",),
    "referral_returned": ("casework",),
    "referral_closed": ("casework",),
    "referral_reopened": ("casework",),
    "retracted": ("referral", "booking", "casework", "directory"),
}
_PARTNER: Final[frozenset[SourceRole]] = frozenset({"partner"})


def event_of_kind(kind: str) -> EventName:
    """The event that says a kind of fact."""
    if kind == "referral_created":
        return "referral-created"
    return "meeting-booked" if kind == "meeting_booked" else "outcome-recorded"


def _table() -> list[Rule]:
    rules = [Rule("referral", "referral-created", "referral_created", _PARTNER | {"referral"}, "own")]
    for kind, parts in _OPEN.items():
        event, (first, *others) = event_of_kind(kind), parts
        rules.append(Rule(first, event, kind, _PARTNER | {first}))
        rules += [Rule(part, event, kind, frozenset({part})) for part in others]
    for kind, part in GUARDED.items():
        rules.append(Rule(part, "outcome-recorded", kind, frozenset({part})))
        rules.append(Rule(part, "outcome-recorded", kind, _PARTNER, "own"))
    return rules


# The table that holds unless the programme's own takes its place.
TABLE: Final[Table] = tuple(_table())
_PARTS: Final[Mapping[str, tuple[SourcePart, ...]]] = {
    kind: tuple(dict.fromkeys(rule.part for rule in TABLE if rule.kind == kind))
    for kind in dict.fromkeys(rule.kind for rule in TABLE)
}


def parts_of(kind: str) -> tuple[SourcePart, ...]:
    """The parts that say a kind of fact, the one first that says it if a decision names no other."""
    return _PARTS.get(kind, ())


def refusal_of(
    envelope: Envelope, table: Table, roles: RolesOf, practices: Container[str] | None = None
) -> Refusal | None:
    """The code by which a record is refused, or None if one record and the table show nothing wrong.

    `roles` tells as what the programme names a source. `practices` are the ODS codes of the locality; with
    None they are left unchecked.
    """
    body, kind = envelope.body, kind_of(envelope.event, envelope.body)
    mine = roles(envelope.source)
    if not mine:
        return "unknown_source"
    lines = [rule for rule in table if rule.kind == kind and rule.event == envelope.event]
    if not lines:
        return "unknown_kind"
    if not any(mine & rule.sources for rule in lines):
        return "not_yours_to_say"
    if isinstance(body, Retracted) and body.event_source != envelope.source and mine <= _PARTNER:
        return "not_your_fact"
    if practices is not None and isinstance(body, ReferralCreated | MeetingBooked):
        return None if body.practice in practices else "unknown_practice"
    return None


def to_json(table: Table) -> dict[str, Any]:
    """The table as it is published, and as a version of the programme holds it."""
    rules = [
        {
            "part": rule.part,
            "event": rule.event,
            "kind": rule.kind,
            "sources": sorted(rule.sources),
            "referrals": rule.referrals,
        }
        for rule in table
    ]
    return {"format": FORMAT, "rules": rules}
