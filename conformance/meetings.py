"""A referral's meetings, worked out of its facts: as much of the fold as the kit needs to judge booking."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.contract import authority
from conformance.events import Event
from conformance.sources import Sources

_ENDINGS: Final = ("referral_closed", "referral_declined", "referral_returned", "referral_withdrawn")
_OUTCOMES: Final = {
    "meeting_attended": "attended",
    "meeting_missed": "missed",
    "meeting_cancelled": "cancelled",
}
Facts = Mapping[tuple[str, str], Event]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting: its standing booking, and what became of it."""

    booking: Event
    status: str
    provisional: bool
    # The reason of its cancellation, also if it was attended after all.
    why: str | None = None

    @property
    def id(self) -> str:
        """The `meeting_id`."""
        return str(self.booking.data["meeting_id"])

    @property
    def sequence(self) -> int:
        """Its place among the referral's meetings."""
        return int(self.booking.data["sequence"])


@dataclass(frozen=True, slots=True)
class Referral:
    """The state of one referral, as far as booking is judged by it."""

    meetings: tuple[Meeting, ...]
    waiting: tuple[Event, ...]
    ended: bool

    @property
    def active(self) -> Meeting | None:
        """The meeting that stands (F34)."""
        booked = [each for each in self.meetings if each.status == "booked"]
        return booked[-1] if booked else None

    @property
    def met(self) -> bool:
        """True if a meeting was attended."""
        return any(each.status == "attended" for each in self.meetings)


def state_of(events: Iterable[Event], sources: Sources) -> Referral:
    """The state that these facts fold to. F12 and F15 rest on the table of sources."""
    facts = {(each.source, each.id): each for each in reversed(list(events))}
    gone = {_named(each) for each in facts.values() if _retracts(each, facts, sources)}
    said = [each for key, each in facts.items() if key not in gone]
    reopened = {(f.data["ends_source"], f.data["ends_id"]) for f in said if f.kind == "referral_reopened"}
    ended = any(f.kind in _ENDINGS and (f.source, f.id) not in reopened for f in said)
    created = any(f.kind == "referral_created" for f in said)
    return Referral(
        tuple(_meetings(_counting(facts, said), said, sources)),
        tuple(f for f in said if f.kind == "meeting_waiting"),
        ended or not created or any(_erases(f, facts, said, sources) for f in said),
    )


def _named(retraction: Event) -> tuple[str, str]:
    return retraction.data["event_source"], retraction.data["event_id"]


def _retracts(event: Event, facts: Facts, sources: Sources) -> bool:
    """F11."""
    named = facts.get(_named(event)) if event.kind == "retracted" else None
    if named is None:
        return False
    own = named.source == event.source and sources.knows(event.source)
    return own or bool(sources.parts(event.source) & authority().get(named.kind, frozenset()))


def _weight(event: Event, sources: Sources) -> tuple[int, str, str]:
    return sources.weight(event.source), event.id, event.source


def _erases(event: Event, facts: Facts, said: Iterable[Event], sources: Sources) -> bool:
    """F15, of `person_erased`."""
    if event.kind != "person_erased":
        return False
    creations = [f for f in said if f.kind == "referral_created"]
    creations = creations or [f for f in facts.values() if f.kind == "referral_created"]
    stands = max(creations, key=lambda f: _weight(f, sources), default=None)
    by_creator = stands is not None and stands.source == event.source and sources.weight(event.source) > 0
    return by_creator or "referral" in sources.parts(event.source)


def _counting(facts: Facts, said: Iterable[Event]) -> list[Event]:
    """The bookings that count (F14)."""
    ever = list(facts.values())
    if not any(each.kind == "referral_created" for each in ever):
        return []
    sequences = {int(each.data["sequence"]) for each in ever if each.kind == "meeting_booked"} | {-1}
    return [f for f in said if f.kind == "meeting_booked" and int(f.data["sequence"]) - 1 in sequences]


def _meetings(bookings: list[Event], said: list[Event], sources: Sources) -> list[Meeting]:
    standing: dict[str, Event] = {}
    for booking in sorted(bookings, key=lambda each: _weight(each, sources)):
        standing[booking.data["meeting_id"]] = booking
    replaced = {booking.data.get("replaces") for booking in bookings}
    found: list[Meeting] = []
    for meeting, booking in standing.items():
        outcomes = [f for f in said if f.kind in _OUTCOMES and f.data["meeting_id"] == meeting]
        kinds = {_OUTCOMES[f.kind] for f in outcomes}
        status = next((each for each in _OUTCOMES.values() if each in kinds), None)
        status = status or ("replaced" if meeting in replaced else "booked")
        whys = [str(f.data["why"]) for f in outcomes if f.kind == "meeting_cancelled"]
        found.append(Meeting(booking, status, _provisional(booking, bookings), whys[-1] if whys else None))
    return sorted(found, key=lambda each: (each.sequence, sources.weight(each.booking.source), each.id))


def _provisional(standing: Event, bookings: Iterable[Event]) -> bool:
    """F31."""

    def time(booking: Event) -> tuple[str, str, datetime]:
        data = booking.data
        return data["meeting_id"], data["link_worker"], datetime.fromisoformat(data["starts_at"])

    return bool(standing.data.get("provisional")) and all(
        each.data.get("provisional") for each in bookings if time(each) == time(standing)
    )
