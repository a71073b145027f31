"""Invariants at rest, in every order of events."""

import os
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.matching.booking import commands as booking
from services.matching.booking import undo
from services.matching.casework import commands as casework
from services.matching.casework.inputs import Closure, Reopen
from services.matching.casework.team import commands as team
from services.matching.errors import Refused
from services.matching.referral_state.commands import About, Command
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked
from tests.harness.matching.decision_harness import (
    LOCALITY,
    NOW,
    OTHER_PRACTICE,
    PRACTICE,
    DecisionHarness,
    created,
    worker,
)

pick = st.integers(0, 1000)


class Journeys(RuleBasedStateMachine):
    """Practices, people, partners and link workers do whatever they like; the log repeats and reorders."""

    @initialize(limit=st.sampled_from((1, 3, 40)))
    def begin(self, limit: int) -> None:
        self.world = DecisionHarness.of(
            worker("lw-meir-1", weekdays=(0,), caseload_limit=limit, home_visits=True),
            worker(
                "lw-meir-2",
                weekdays=(1, 3),
                practices=(PRACTICE, OTHER_PRACTICE),
                caseload_limit=limit,
                home_visits=True,
            ),
        )
        self.referrals: list[str] = []
        self.heard: list[Envelope] = []
        self.held_back: list[Envelope] = []

    @rule(
        practice=st.sampled_from((PRACTICE, OTHER_PRACTICE, "M83047")),
        urgency=st.sampled_from(v.Urgency),
        back=st.booleans(),
        age=st.sampled_from((0, 30)),
        home=st.booleans(),
    )
    def refer(self, practice: str, urgency: v.Urgency, back: bool, age: int, home: bool) -> None:
        name = self.world.new_id()
        self.referrals.append(name)
        at = self.world.now - timedelta(days=age)
        needs = (v.AccessNeed.HOME_VISIT,) if home else ()
        body = created(name, practice=practice, urgency=urgency, access_needs=needs)
        self._say(self.world.envelope(body, at=at), back)

    @rule(
        which=pick,
        by=st.sampled_from(("partner", "history")),
        days=st.integers(1, 60),
        back=st.booleans(),
        mode=st.sampled_from((v.MeetingMode.FACE_TO_FACE, v.MeetingMode.HOME)),
    )
    def a_partner_books(self, which: int, by: str, days: int, back: bool, mode: v.MeetingMode) -> None:
        if not self.referrals:
            return
        name = self.referrals[which % len(self.referrals)]
        meetings = self.world.view(name).story.meetings
        body = MeetingBooked(
            referral_id=name,
            locality=LOCALITY,
            meeting_id=self.world.new_id(),
            sequence=meetings[-1].booked.sequence if meetings else 0,
            link_worker="lw-meir-1",
            practice=PRACTICE,
            starts_at=NOW.replace(hour=9) + timedelta(days=days),
            minutes=45,
            mode=mode,
        )
        self._say(self.world.envelope(body, by), back)

    @rule(which=pick, at_that_of=pick, meeting=pick, back=st.booleans())
    def a_partner_books_at_a_time_that_is_somebodys(
        self, which: int, at_that_of: int, meeting: int, back: bool
    ) -> None:
        """Of the same person too: in the place of ours."""
        found = self._meeting(at_that_of, meeting)
        if found is not None:
            name = self.referrals[which % len(self.referrals)]
            changes = {"referral_id": name, "meeting_id": self.world.new_id(), "replaces": None}
            self._say(self.world.envelope(found.model_copy(update=changes), "partner"), back)

    @rule(which=pick, meeting=pick, hours=st.sampled_from((-24, 1, 24, 168)), back=st.booleans())
    def a_partner_moves_a_meeting(self, which: int, meeting: int, hours: int, back: bool) -> None:
        found = self._meeting(which, meeting)
        if found is not None and found.meeting_id not in self.world.view(found.referral_id).ours:
            changes = {"starts_at": found.starts_at + timedelta(hours=hours)}
            self._say(self.world.envelope(found.model_copy(update=changes), "partner"), back)

    @rule(which=pick, back=st.booleans(), kind=st.integers(0, 4))
    def somebody_else_ends_it(self, which: int, back: bool, kind: int) -> None:
        if not self.referrals:
            return
        of = About(referral_id=self.referrals[which % len(self.referrals)], locality=LOCALITY)
        ends: tuple[EventBody, ...] = (
            o.ReferralWithdrawn(**of, by=v.By.PRACTICE, reason=v.WithdrawReason.OTHER),
            o.ReferralClosed(**of, reason=v.CloseReason.OTHER),
            o.ReferralDeclined(**of, by=v.By.PERSON, reason=v.DeclineReason.OTHER),
            o.ReferralReturned(**of, reason=v.ReturnReason.WRONG_PLACE),
            o.PersonErased(**of, person_ref=of["referral_id"]),
        )
        self._say(self.world.envelope(ends[kind]), back)

    @rule(which=pick, meeting=pick, came=st.sampled_from(("came", "missed", "cancelled")), back=st.booleans())
    def somebody_else_says_how_it_went(self, which: int, meeting: int, came: str, back: bool) -> None:
        found = self._meeting(which, meeting)
        if found is None:
            return
        of, meeting_id = About(referral_id=found.referral_id, locality=LOCALITY), found.meeting_id
        said: dict[str, EventBody] = {
            "came": o.MeetingAttended(**of, meeting_id=meeting_id),
            "missed": o.MeetingMissed(**of, meeting_id=meeting_id),
            "cancelled": o.MeetingCancelled(
                **of, meeting_id=meeting_id, by=v.By.PRACTICE, why=v.CancelReason.OTHER
            ),
        }
        self._say(self.world.envelope(said[came], "partner"), back)

    @rule(which=pick, fact=pick, back=st.booleans())
    def anything_is_taken_back(self, which: int, fact: int, back: bool) -> None:
        found = self._fact(which, fact)
        if found is None:
            return
        name, taken = found
        body = o.Retracted(
            referral_id=name,
            locality=LOCALITY,
            event_source=taken.source,
            event_id=taken.id,
            reason=v.RetractReason.UNDONE,
        )
        self._say(self.world.envelope(body, taken.source.rpartition("/")[2]), back)

    @rule(which=pick, meeting=pick, what=st.integers(0, 5), days=st.integers(1, 40))
    def the_link_worker_acts(self, which: int, meeting: int, what: int, days: int) -> None:
        found = self._meeting(which, meeting)
        if found is None:
            return
        of = found.meeting_id
        acts = (
            booking.attended(of),
            booking.did_not_attend(of),
            booking.cancel(of, v.By.PERSON, v.CancelReason.UNWELL),
            booking.reschedule(of, None),
            booking.confirm(of),
            booking.defer(self.world.now.date() + timedelta(days=days)),
        )
        self._act(found.referral_id, acts[what])

    @rule(which=pick, what=st.integers(0, 4), to=st.sampled_from(("lw-meir-1", "lw-meir-2")))
    def the_case_is_decided_upon(self, which: int, what: int, to: str) -> None:
        if not self.referrals:
            return
        acts = (
            casework.reopen(Reopen(), None),
            casework.close(Closure(v.CloseReason.OTHER), None),
            casework.no_longer_wants(v.By.PERSON),
            team.change_link_worker(to),
            booking.book_one(None),
        )
        self._act(self.referrals[which % len(self.referrals)], acts[what])

    @rule(which=pick, fact=pick)
    def the_link_worker_undoes(self, which: int, fact: int) -> None:
        found = self._fact(which, fact)
        if found is not None:
            self._act(found[0], undo.retract(found[1].source, found[1].id, v.RetractReason.UNDONE))

    @rule(name=st.sampled_from(("lw-meir-1", "lw-meir-2")), days=st.integers(0, 20))
    def a_link_worker_is_away(self, name: str, days: int) -> None:
        first = self.world.now.date() + timedelta(days=days)
        leave = Leave(first=first, last=first + timedelta(days=4))
        known = self.world.workers[name]
        self.world.workers[name] = known.model_copy(update={"leave": (*known.leave[-1:], leave)})
        for referral in self.referrals:
            self._act(referral, booking.link_worker_away(name, leave))

    @rule(days=st.integers(0, 9))
    def time_passes(self, days: int) -> None:
        self.world.pass_time(days=days, hours=3)
        self._use_the_room()

    @rule()
    def what_was_held_back_arrives_in_one_batch(self) -> None:
        self._hear(list(reversed(self.held_back)))
        self.held_back = []

    @rule()
    def everything_is_heard_again(self) -> None:
        assert self.world.hear(*self.heard) == []

    @invariant()
    def an_open_referral_has_a_meeting_or_a_stated_reason_for_none(self) -> None:
        for name, case in self.world.cases.items():
            view = case.view
            if view.ended:
                assert all(m.status != "booked" for m in view.story.meetings)
                assert not any(
                    h.referral_id == name for d in self.world.days.values() for h in d.reservations
                )
                assert not any(name in each.referrals for each in self.world.caseloads.values())
            elif view.open:
                standing = [m for m in view.story.meetings if m.status == "booked"]
                ours = [m for m in standing if m.booked.meeting_id in view.ours]
                assert len(ours) <= 1
                assert all(m == view.story.active for m in ours), "two meetings, and one of them is ours"
                assert (
                    view.story.active
                    or view.story.attended
                    or view.waits
                    or (name, "retry_booking") in self.world.due
                )
                if not view.story.active and not view.story.attended and not view.story.missed:
                    assert (name, "retry_booking") in self.world.due

    @invariant()
    def no_time_is_held_twice(self) -> None:
        for day in self.world.days.values():
            for earlier, later in pairwise(day.reservations):
                travel = timedelta(minutes=max(earlier.travel, later.travel))
                assert earlier.ends_at + travel <= later.starts_at
        for name, case in self.world.cases.items():
            active = case.view.story.active
            if active is not None and active.booked.meeting_id in case.view.ours and not case.view.ended:
                held = [h for d in self.world.days.values() for h in d.reservations if h.referral_id == name]
                past = active.booked.starts_at <= self.world.now
                assert past or any(h.meeting_id == active.booked.meeting_id for h in held)
        for day in self.world.days.values():
            for each in day.reservations:
                story = self.world.view(each.referral_id).story
                booked = {
                    (m.booked.meeting_id, m.booked.link_worker, m.booked.starts_at)
                    for m in story.meetings
                    if m.status in ("booked", "attended", "missed")
                }
                past = each.ends_at <= self.world.now
                time = (each.meeting_id, day.link_worker, each.starts_at)
                assert past or time in booked, "time is held for nobody"

    @invariant()
    def a_partners_meeting_is_in_the_diary_where_its_time_is_nobodys(self) -> None:
        """Also where it came free later; and nobody else is put where one stands behind somebody."""
        for case in self.world.cases.values():
            active = case.view.story.active
            if active is None or not case.view.open or active.booked.starts_at <= self.world.now:
                continue
            body = active.booked
            day = self.world.days.get((body.link_worker, body.starts_at.date()))
            assert day is not None
            if not any(each.meeting_id == body.meeting_id for each in day.reservations):
                assert body.meeting_id not in case.view.ours
                others = [e for e in (*day.reservations, *day.overlapping) if e.meeting_id != body.meeting_id]
                mine = next(e for e in day.overlapping if e.meeting_id == body.meeting_id)
                assert any(each.overlaps(mine) for each in others)
        for day in self.world.days.values():
            for behind in day.overlapping:
                meeting = self.world.view(behind.referral_id).meeting(behind.meeting_id)
                past = behind.starts_at <= self.world.now
                assert past or (meeting and meeting.status in ("booked", "attended", "missed"))

    @invariant()
    def nobody_has_more_to_say(self) -> None:
        assert self.world.says_nothing_more()

    def teardown(self) -> None:
        """At rest: all was heard and all that fell due was looked at."""
        if not hasattr(self, "world"):
            return
        self._hear(self.held_back)
        self.nobody_has_more_to_say()
        self.world.pass_time(minutes=5)  # who came from a log that was read late waits no longer
        self._use_the_room()
        self.an_open_referral_has_a_meeting_or_a_stated_reason_for_none()
        self.no_time_is_held_twice()
        for case in self.world.cases.values():
            story = case.view.story
            if case.view.open:
                assert story.active or story.attended or case.view.waits, "no reason is stated"
        self.everything_is_heard_again()
        self.world.wake()
        assert self.world.wake() == [], "what is looked at twice says something twice"

    def _say(self, event: Envelope, back: bool) -> None:
        if back:
            self.held_back.append(event)
        else:
            self._hear([event])

    def _hear(self, events: list[Envelope]) -> None:
        self.heard += events
        self.world.hear(*events)
        self._use_the_room()

    def _act(self, referral_id: str, act: Command) -> None:
        with suppress(Refused):  # nothing was written then: the invariants see to that
            self.world.act(referral_id, act)
        self._use_the_room()

    def _use_the_room(self) -> None:
        """Decides again on waiting referrals while times or places in caseloads come free."""
        for _ in range(10):
            if not self.world.room:
                return
            self.world.wake()
        raise AssertionError("room comes free without end")

    def _meeting(self, which: int, meeting: int) -> MeetingBooked | None:
        if not self.referrals:
            return None
        meetings = self.world.view(self.referrals[which % len(self.referrals)]).story.meetings
        return meetings[meeting % len(meetings)].booked if meetings else None

    def _fact(self, which: int, fact: int) -> tuple[str, Fact] | None:
        if not self.referrals:
            return None
        name = self.referrals[which % len(self.referrals)]
        facts = self.world.view(name).facts
        return (name, facts[fact % len(facts)]) if facts else None


EXAMPLES = {"properties": 3000, "ci": 120}.get(os.environ.get("HYPOTHESIS_PROFILE", "usual"), 30)
Journeys.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)
TestJourneys = Journeys.TestCase
