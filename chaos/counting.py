"""The events of a referral that count, by the contract's rules, written a second time."""

from collections.abc import Mapping

from chaos.log import Event

Key = tuple[str, str]
# The weight of each source, as the localities file has it.
RANKS: Mapping[str, int] = {
    **dict.fromkeys(("booking", "casework", "directory", "matching"), 40),
    "referral": 30,
    **dict.fromkeys(("evaluation", "notifications"), 20),
    # Partners that own booking for a while (chaos/handover).
    **dict.fromkeys(("booking-js", "booking-py"), 40),
    "history": 10,
}
# The sources of the owners of booking. We had the second one before each part had its own.
BOOKERS = ("/booking", "/matching", "/booking-js", "/booking-py")
_OURS: Mapping[str, frozenset[str]] = {
    **{part: frozenset({part}) for part in ("referral", "booking", "casework", "directory")},
    "matching": frozenset({"booking", "casework", "directory"}),
}
# The part of Linkwork that says a kind of event; all others are casework's.
_SAYS: Mapping[str, str] = {
    **dict.fromkeys(
        ("referral-created", "referral_withdrawn", "contact_changed", "person_erased"), "referral"
    ),
    **dict.fromkeys(("meeting-booked", "meeting_waiting", "meeting_cancelled"), "booking"),
}
_BY_SERVICES = frozenset({"provider_replied", "activity_started", "activity_not_started"})
# Kinds that permit something or erase: a partner says them only of referrals that it made.
_GUARDED = frozenset({"contact_changed", "person_erased", "link_worker_changed", "sharing_changed"})


def rank(who: str) -> int:
    """The weight of a source."""
    return RANKS.get(who.rpartition("/")[2], 0)


def retracted(facts: Mapping[Key, Event]) -> frozenset[Key]:
    """The events that were retracted by their own source, or by the part that says their kind."""
    retractions = (fact for fact in facts.values() if fact.kind == "retracted")
    return frozenset(_target(fact) for fact in retractions if _retracts(fact, facts))


def counts(fact: Event, facts: Mapping[Key, Event], gone: frozenset[Key]) -> bool:
    """True if an event counts beside all the others, which may be in any order."""
    if fact.kind == "retracted":
        return _retracts(fact, facts)
    if (fact.who, fact.id) in gone:
        return False
    if fact.kind == "meeting-booked":
        said = {each.body["sequence"] for each in facts.values() if each.kind == "meeting-booked"}
        sequence = fact.body["sequence"]
        created = any(each.kind == "referral-created" for each in facts.values())
        return created and (sequence == 0 or sequence - 1 in said)
    if fact.kind not in _GUARDED or _permits_nothing(fact):
        return True
    ours = _SAYS.get(fact.kind, "casework") in _parts(fact.who)
    return ours or (rank(fact.who) > 0 and fact.who == _creator(facts, gone))


def _target(fact: Event) -> Key:
    return fact.body["event_source"], fact.body["event_id"]


def _retracts(fact: Event, facts: Mapping[Key, Event]) -> bool:
    who, target = fact.who, facts.get(_target(fact))
    if target is None:
        return False
    if who == target.who:
        return rank(who) > 0
    parts = {_SAYS.get(target.kind, "casework")}
    if target.kind in _BY_SERVICES:
        parts.add("directory")
    return not parts.isdisjoint(_parts(who))


def _permits_nothing(fact: Event) -> bool:
    word = fact.body.get("agreed", fact.body.get("contact"))
    return word is not None and word != "yes"


def _creator(facts: Mapping[Key, Event], gone: frozenset[Key]) -> str | None:
    made = [(key, fact) for key, fact in facts.items() if fact.kind == "referral-created"]
    standing = [fact for key, fact in made if key not in gone] or [fact for _, fact in made]
    return max(standing, key=lambda each: (rank(each.who), each.id, each.who)).who if standing else None


def _parts(who: str) -> frozenset[str]:
    return _OURS.get(who.rpartition("/")[2], frozenset())
