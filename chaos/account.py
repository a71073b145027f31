"""Recounts a referral from the log alone, by the contract's rules, written a second time.

The module shares nothing with the services. If the two counts differ, one of them is wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from chaos.counting import BOOKERS, counts, rank, retracted
from chaos.log import Event

LONDON = ZoneInfo("Europe/London")
ENDS = frozenset({"referral_closed", "referral_declined", "referral_returned", "referral_withdrawn"})


@dataclass(frozen=True, slots=True)
class Met:
    """A meeting and its course: booked, attended, missed, cancelled or replaced."""

    id: str
    said: Event
    status: str
    # The time at which it was held, RFC 3339. On an earlier day than booked, the booked time is free.
    met_at: str = ""
    # It was cancelled, which freed its time, even if later events contradict that.
    given_back: bool = False
    # The event behind `status`; None if the meeting was replaced.
    off: Event | None = None
    # The first event that ended it without attendance: cancelled, missed or replaced.
    ended: Event | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of its booking."""
        return self.said.body

    @property
    def who(self) -> str:
        """The source of its booking."""
        return self.said.who

    @property
    def at(self) -> float:
        """The time of its booking on the log, in seconds since 1970."""
        return self.said.at

    @property
    def holds_its_time(self) -> bool:
        """True if the meeting occupies its time. An ended referral frees its times."""
        if self.given_back:
            return False
        if self.status == "attended":
            return day(self.met_at) >= day(self.body["starts_at"])
        return self.status in ("booked", "missed")

    @property
    def ours(self) -> bool:
        """True if an owner of booking booked it: Linkwork, or the partner that it was handed to."""
        return self.who.endswith(BOOKERS)


@dataclass(frozen=True, slots=True)
class Account:
    """The state of a referral, with everything on the log counted once."""

    referral: str
    locality: str
    created: Event | None
    creations: int  # The number of different facts of its creation.
    open: bool
    meetings: tuple[Met, ...]
    active: Met | None
    waiting: bool  # A reason for no meeting was published, and no meeting ended after that.
    endings: tuple[Event, ...]  # Ends that no reopening has undone.
    # The facts of each kind.
    outcomes: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    # Meetings that were retracted as never booked.
    taken_back: tuple[Met, ...] = ()

    @property
    def attended(self) -> bool:
        """True if any meeting was attended."""
        return any(meeting.status == "attended" for meeting in self.meetings)

    @property
    def standing(self) -> tuple[Met, ...]:
        """The meetings that may still take place, the effective one last."""
        return tuple(meeting for meeting in self.meetings if meeting.status == "booked")

    def of(self, kind: str) -> tuple[Event, ...]:
        """The effective facts of this kind."""
        return self.outcomes.get(kind, ())


def accounts(events: Iterable[Event]) -> dict[str, Account]:
    """Every referral of the log. Each event counts once, however often the log holds it."""
    told: dict[tuple[str, str], dict[tuple[str, str], Event]] = {}
    for event in events:
        told.setdefault((event.locality, event.referral), {}).setdefault((event.who, event.id), event)
    return {referral: _account(locality, referral, facts) for (locality, referral), facts in told.items()}


def _account(locality: str, referral: str, facts: Mapping[tuple[str, str], Event]) -> Account:
    gone = retracted(facts)
    stand = sorted(
        (fact for fact in facts.values() if counts(fact, facts, gone)),
        key=lambda fact: (rank(fact.who), fact.id),
    )
    of: dict[str, list[Event]] = {}
    for fact in stand:
        of.setdefault(fact.kind, []).append(fact)
    undone = {(f.body["ends_source"], f.body["ends_id"]) for f in of.get("referral_reopened", [])}
    endings = tuple(fact for fact in stand if fact.kind in ENDS and (fact.who, fact.id) not in undone)
    created = of.get("referral-created", [])
    meetings = _meetings(of)
    off = [meeting.ended for meeting in meetings if meeting.ended is not None]
    waits = of.get("meeting_waiting", [])
    standing = [meeting for meeting in meetings if meeting.status == "booked"]
    return Account(
        referral=referral,
        locality=locality,
        created=created[-1] if created else None,
        creations=len(created),
        open=bool(created) and not endings,
        meetings=meetings,
        active=standing[-1] if standing else None,
        waiting=any(all(_after(wait, end) for end in off) for wait in waits),
        endings=endings,
        outcomes={kind: tuple(found) for kind, found in of.items()},
        taken_back=_taken_back(facts, of, gone),
    )


def _taken_back(
    facts: Mapping[tuple[str, str], Event],
    of: Mapping[str, list[Event]],
    gone: frozenset[tuple[str, str]],
) -> tuple[Met, ...]:
    left = {fact.body["meeting_id"] for fact in of.get("meeting-booked", [])}
    found: dict[str, Met] = {}
    for word in of.get("retracted", []):
        booked = facts.get((word.body["event_source"], word.body["event_id"]))
        if booked is None or booked.kind != "meeting-booked" or booked.body["meeting_id"] in left:
            continue
        if (booked.who, booked.id) not in gone:
            continue
        known = found.get(booked.body["meeting_id"])
        if known is None or (rank(known.who), known.said.id) < (rank(booked.who), booked.id):
            met = Met(booked.body["meeting_id"], booked, "cancelled", given_back=True, off=word)
            found[met.id] = met
    return tuple(found.values())


def _after(fact: Event, before: Event) -> bool:
    """True if the first event was published after the second.

    An answer follows its cause on the log, even if a clock is an hour wrong. Events that one source publishes
    in sequence may change their order, so for those the times count too.
    """
    same = fact.who == before.who
    return fact.at >= before.at or (same and moment(fact.recorded) >= moment(before.recorded))


def _meetings(of: Mapping[str, list[Event]]) -> tuple[Met, ...]:
    booked = of.get("meeting-booked", [])
    said = {fact.body["meeting_id"]: fact for fact in booked}
    ends: dict[str, list[Event]] = {}
    became: dict[str, str] = {}
    for fact in booked:
        if replaces := fact.body.get("replaces"):
            became[replaces] = "replaced"
            ends.setdefault(replaces, []).append(fact)
    off: dict[str, Event] = {}
    for status in ("cancelled", "missed", "attended"):  # the last of these events counts
        for fact in of.get(f"meeting_{status}", []):
            became[fact.body["meeting_id"]] = status
            off[fact.body["meeting_id"]] = fact
            if status != "attended":
                ends.setdefault(fact.body["meeting_id"], []).append(fact)
    held = {fact.body["meeting_id"]: fact.time for fact in of.get("meeting_attended", [])}
    given_back = {fact.body["meeting_id"] for fact in of.get("meeting_cancelled", [])}
    found = [
        Met(
            identity,
            fact,
            status=became.get(identity, "booked"),
            met_at=held.get(identity, ""),
            given_back=identity in given_back,
            off=off.get(identity),
            ended=min(ends.get(identity, ()), key=lambda end: end.at, default=None),
        )
        for identity, fact in said.items()
    ]
    return tuple(sorted(found, key=lambda met: (met.body["sequence"], rank(met.who), met.id)))


def moment(text: str) -> datetime:
    """The moment of an RFC 3339 text."""
    return datetime.fromisoformat(text)


def day(text: str) -> date:
    """The London day of a moment in RFC 3339."""
    return moment(text).astimezone(LONDON).date()
