"""Diaries and caseloads as values within one transaction.

Booking reads and changes these values. The store loads them and writes the touched ones with the version that
it read. If two writers conflict, the first one wins and the second decides again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import blake2b
from typing import Final

from services.matching.booking.days import Caseload, Day, DayKey
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.reservations import Reservation, not_taken, reservation_for
from services.matching.booking.room_diaries import RoomDiaries
from services.matching.booking.slot import Slot, in_mode, slots_of_day
from services.matching.calendar import london_day
from services.matching.referral_state.state import MISSES
from services.matching.roster.link_workers import FULL_WEIGHT, TRAVEL_MINUTES, LinkWorker
from shared.contract.events import vocabulary as v

# A meeting is at most this far ahead.
HORIZON: Final = timedelta(weeks=8)


@dataclass
class Diaries:
    """Diaries in which a unit of work books. They change in place and record which were touched."""

    now: datetime
    workers: Mapping[str, LinkWorker] = field(default_factory=dict)
    days: dict[DayKey, Day] = field(default_factory=dict)
    caseloads: dict[str, Caseload] = field(default_factory=dict)
    touched_days: set[DayKey] = field(default_factory=set)
    touched_caseloads: set[str] = field(default_factory=set)
    # Link workers who have more room than before.
    freed: set[str] = field(default_factory=set)
    # Slots reserved within this unit of work, by referral: urgent referrals choose first.
    reserved: dict[str, Slot] = field(default_factory=dict)
    _slots: dict[DayKey, tuple[Slot, ...]] = field(default_factory=dict)
    _free: dict[tuple[DayKey, bool], tuple[Slot, ...]] = field(default_factory=dict)
    # Left free before and after a home visit.
    travel_minutes: int = TRAVEL_MINUTES
    # Returned referrals whose person has another open referral.
    referred_again: frozenset[str] = frozenset()
    # After so many missed meetings, none is booked automatically.
    misses: int = MISSES
    rooms: RoomDiaries = field(default_factory=RoomDiaries)

    # Looking

    def knows(self, link_worker: str, locality: str) -> bool:
        """True for a link worker of that locality. One locality never touches the diaries of another."""
        worker = self.workers.get(link_worker)
        return worker is not None and worker.locality == locality

    def has_room(self, worker: LinkWorker, referral_id: str) -> bool:
        """True if the caseload takes this referral or holds it already."""
        caseload = self._caseload(worker.id)
        return referral_id in caseload.referrals or len(caseload.referrals) < worker.caseload_limit

    def suitable(
        self, requirements: MeetingRequirements, referral_id: str, until: date | None = None
    ) -> Iterator[Slot]:
        """Suitable free times up to the day `until`, earliest first.

        Of equal times, the smaller share of a caseload comes first.
        """
        who = [
            worker for worker in requirements.who(self.workers.values()) if self.has_room(worker, referral_id)
        ]
        first, last = london_day(self.now), london_day(self.now + HORIZON)
        first = max(first, requirements.not_before or first)
        last = min(last, until or last)
        how = requirements.how
        soonest = {worker.id: requirements.earliest_start(worker, self.now) for worker in who}
        turns = {worker.id: self._turn(worker.id, referral_id) for worker in who}
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            found = [
                in_mode(slot, how)
                for worker in who
                for slot in self.free(worker, day, referral_id, home=how is v.MeetingMode.HOME)
                if slot.starts_at >= soonest[worker.id] and requirements.suits(slot)
            ]
            yield from sorted(found, key=lambda slot: (slot.starts_at, *turns[slot.link_worker]))

    def earliest(
        self,
        requirements: MeetingRequirements,
        referral_id: str,
        but_not: frozenset[str] = frozenset(),
        after: datetime | None = None,
    ) -> Slot | None:
        """A time on the first day that has one, with the link worker whose caseload is the least used.

        On that day each link worker offers their first suitable time. The smallest share of a caseload limit
        takes the referral, then the earlier time. `but_not` holds keys of refused times.
        """
        first_of: dict[str, Slot] = {}
        day: date | None = None
        for slot in self.suitable(requirements, referral_id):
            if slot.key in but_not or (after is not None and slot.starts_at <= after):
                continue
            if day is not None and london_day(slot.starts_at) != day:
                break
            day = london_day(slot.starts_at)
            first_of.setdefault(slot.link_worker, slot)

        def fair(slot: Slot) -> tuple[Fraction, bool, datetime, bytes]:
            share, elsewhere, drawn = self._turn(slot.link_worker, referral_id)
            return share, elsewhere, slot.starts_at, drawn

        return min(first_of.values(), key=fair, default=None)

    def free(self, worker: LinkWorker, day: date, referral_id: str = "", *, home: bool = False) -> list[Slot]:
        """Every free time of a day within the hours, except those reserved for other referrals.

        `home`: times for home visits, with room for the travel round each.
        """
        found = self._free_of(worker, day, home)
        if not found or not self.reserved:
            return list(found)
        others = [
            reservation_for(slot, self._travel(slot.mode))
            for whose, slot in self.reserved.items()
            if whose != referral_id and slot.link_worker == worker.id
        ]
        travel = self.travel_minutes if home else 0
        return [
            slot
            for slot in found
            if not any(other.overlaps(reservation_for(slot, travel)) for other in others)
        ]

    def slot(self, key: str, practice: str, mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE) -> Slot | None:
        """The time with this key, free or not, if it is in a link worker's hours for this practice.

        `mode`: the kind of meeting, unless the key names one that its link worker offers.
        """
        name, _, rest = key.partition("|")
        moment, _, named = rest.partition("|")
        worker = self.workers.get(name)
        try:
            starts_at = datetime.fromisoformat(moment)
            day = london_day(starts_at)
            how = v.MeetingMode(named) if named else mode
        except (ValueError, OverflowError):
            return None
        if worker is None or starts_at.tzinfo is None or (named and not worker.offers(how)):
            return None
        for slot in self._slots_of(worker, day):
            if slot.starts_at == starts_at and slot.practice == practice:
                return in_mode(slot, how)
        return None

    def slot_at_another_site(
        self, key: str, practice: str, mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE
    ) -> Slot | None:
        """The time with this key in a room of other practices, if its link worker serves this one too."""
        worker = self.workers.get(key.partition("|")[0])
        if worker is None or practice not in worker.practices:
            return None
        others = sorted(worker.practices - {practice})
        found = (self.slot(key, other, mode) for other in others)
        return next((slot for slot in found if slot is not None), None)

    def reservations_of(self, referral_id: str) -> list[tuple[Day, Reservation]]:
        """The reservations of this referral in the loaded diaries, overlapping ones among them."""
        return [
            (day, held)
            for day in self.days.values()
            for held in (*day.reservations, *day.overlapping)
            if held.referral_id == referral_id
        ]

    # Booking

    def take(
        self,
        link_worker: str,
        starts_at: datetime,
        minutes: int,
        referral_id: str,
        meeting_id: str,
        mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE,
        *,
        stands: bool = False,
    ) -> bool:
        """Reserves a time for a meeting with its room, and the travel round a home visit.

        Returns False if another meeting holds the time or waits for it, or the room is full. A meeting that
        holds this time already keeps it, even if its travel time has grown and no longer fits. `stands`: the
        meeting was booked, and the room is not asked.
        """
        day = self._day(link_worker, london_day(starts_at))
        mine = Reservation(starts_at, minutes, referral_id, meeting_id, self._travel(mode))
        room = self.rooms.room_for(self.workers.get(link_worker), starts_at, mode)
        if mine in day.reservations:
            self._hold_room(room, day.day, mine)
            return True
        others = [held for held in day.taken if held.meeting_id != meeting_id]
        if any(held.overlaps(mine) for held in others):
            return any(held.is_at(mine) for held in day.reservations)
        if not stands and self.rooms.is_full(room, day.day, mine):
            return False
        day.reservations = [held for held in day.reservations if held.meeting_id != meeting_id]
        day.overlapping = [held for held in day.overlapping if held.meeting_id != meeting_id]
        _put(day, mine)
        self._touch(day)
        self._hold_room(room, day.day, mine)
        self.reserved.pop(referral_id, None)
        return True

    def add_overlapping(
        self,
        link_worker: str,
        starts_at: datetime,
        minutes: int,
        referral_id: str,
        meeting_id: str,
        mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE,
    ) -> None:
        """Stores a partner's booking that overlaps a reservation. It takes the time over when released."""
        day = self._day(link_worker, london_day(starts_at))
        mine = Reservation(starts_at, minutes, referral_id, meeting_id, self._travel(mode))
        if mine not in day.overlapping:
            day.overlapping = [held for held in day.overlapping if held.meeting_id != meeting_id]
            day.overlapping.append(mine)
            self._touch(day)

    def release(self, day: Day, meeting_id: str) -> None:
        """Releases a meeting's time: to an overlapping booking if there is one, else to all."""
        gone = [held for held in (*day.reservations, *day.overlapping) if held.meeting_id == meeting_id]
        if gone:
            if any(held.starts_at > self.now for held in gone):
                self.freed.add(day.link_worker)
            day.reservations = [held for held in day.reservations if held.meeting_id != meeting_id]
            behind = [held for held in day.overlapping if held.meeting_id != meeting_id]
            day.overlapping = []
            for each in behind:
                if any(held.overlaps(each) for held in (*day.reservations, *day.blocked)):
                    day.overlapping.append(each)
                else:
                    _put(day, each)
            self._touch(day)
            self._leave_room(day.day, meeting_id)

    def assign(self, referral_id: str, link_worker: str | None) -> None:
        """Puts a referral into this caseload (None: into no caseload) and removes it from every other."""
        for caseload in self.caseloads.values():
            if caseload.link_worker != link_worker and referral_id in caseload.referrals:
                caseload.referrals.discard(referral_id)
                self.touched_caseloads.add(caseload.link_worker)
                self.freed.add(caseload.link_worker)
        if link_worker is not None and link_worker in self.workers:
            caseload = self._caseload(link_worker)
            if referral_id not in caseload.referrals:
                caseload.referrals.add(referral_id)
                self.touched_caseloads.add(link_worker)

    def rest_on(self, link_worker: str) -> None:
        """Touches the caseload, because a decision rests on this link worker's hours and room."""
        if link_worker in self.workers:
            self._caseload(link_worker)
            self.touched_caseloads.add(link_worker)

    def reserve(self, referrals: Iterable[tuple[str, MeetingRequirements, frozenset[str]]]) -> None:
        """Reserves a time for each of these referrals in order, but no time that it refused."""
        for referral_id, requirements, refused in referrals:
            slot = self.earliest(requirements, referral_id, refused)
            if slot is not None:
                self.reserved[referral_id] = slot

    # Inside

    def _hold_room(self, room: str | None, day: date, meeting: Reservation) -> None:
        if self.rooms.rooms and self.rooms.hold(room, day, meeting):
            self._forget_free(day)

    def _leave_room(self, day: date, meeting_id: str) -> None:
        if freed := self.rooms.release(meeting_id):
            self.freed |= {worker.id for worker in self.workers.values() if worker.rooms & freed}
            self._forget_free(day)

    def _forget_free(self, day: date) -> None:
        """Forgets the free times of that day: link workers who share a room share its times."""
        for key in [key for key in self._free if key[0][1] == day]:
            del self._free[key]

    def _touch(self, day: Day) -> None:
        self.touched_days.add((day.link_worker, day.day))
        for home in (False, True):
            self._free.pop(((day.link_worker, day.day), home), None)

    def _day(self, link_worker: str, day: date) -> Day:
        return self.days.setdefault((link_worker, day), Day(link_worker, day))

    def _caseload(self, link_worker: str) -> Caseload:
        return self.caseloads.setdefault(link_worker, Caseload(link_worker))

    def _turn(self, link_worker: str, referral_id: str) -> tuple[Fraction, bool, bytes]:
        """The share of their limit that a link worker uses without this referral, then a tie-break.

        Of equals, the link worker who has the case keeps it. Among others a draw decides. The draw is the
        same each time for one referral, and favours no link worker over many referrals.
        """
        mine = self._caseload(link_worker).referrals
        promised = {whose for whose, slot in self.reserved.items() if slot.link_worker == link_worker}
        others = (mine | promised) - {referral_id}
        drawn = blake2b(f"{referral_id}|{link_worker}".encode(), digest_size=8).digest()
        worker = self.workers[link_worker]
        share = Fraction(len(others) * FULL_WEIGHT, max(worker.caseload_limit, 1) * worker.caseload_weight)
        return share, referral_id not in mine, drawn

    def _travel(self, mode: v.MeetingMode) -> int:
        return self.travel_minutes if mode is v.MeetingMode.HOME else 0

    def _free_of(self, worker: LinkWorker, day: date, home: bool) -> tuple[Slot, ...]:
        # Cached until the next change: a batch reads the same days a thousand times.
        key = ((worker.id, day), home)
        if key not in self._free:
            known = self.days.get(key[0])
            held = known.taken if known else []
            travel = self.travel_minutes if home else 0
            found = not_taken(self._slots_of(worker, day), held, travel)
            self._free[key] = tuple(
                in_mode(slot, v.MeetingMode.HOME) if home else slot
                for slot in found
                if home or not self._is_full(slot, day)
            )
        return self._free[key]

    def _is_full(self, slot: Slot, day: date) -> bool:
        return slot.room is not None and self.rooms.is_full(slot.room, day, reservation_for(slot, 0))

    def _slots_of(self, worker: LinkWorker, day: date) -> tuple[Slot, ...]:
        key = (worker.id, day)
        if key not in self._slots:
            self._slots[key] = tuple(slots_of_day(worker, day))
        return self._slots[key]


def _put(day: Day, held: Reservation) -> None:
    day.reservations.append(held)
    day.reservations.sort(key=lambda each: each.starts_at)
