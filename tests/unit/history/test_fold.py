"""The story is a function of the set of facts: order and repetition cannot matter."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.contract.authority import GUARDED, parts_of
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import event_of
from shared.contract.events.fact import Fact, FactKey
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.topics import our_parts, source
from shared.contract.history import ALL_SECTIONS, ReferralHistory, Stage, fold_referral, stage_of
from shared.contract.history.vectors import state_of
from tests.harness.delivery.toy import created
from tests.harness.history.journeys import LOCALITY, REFERRAL, START, TABLE, contested, journeys, ref

MATCHING = "/meir/matching"
MATCHING_PARTS = sorted(our_parts(MATCHING))
# Kinds of which it counts that they were ever said, also if they were retracted.
EVER_SAID = ("referral_created", "meeting_booked")


def about(kind: type[EventBody], **parts: Any) -> EventBody:
    return kind(referral_id=REFERRAL, locality=LOCALITY, **parts)


def fact(body: EventBody, number: int = 100, by: str = "/meir/matching") -> Fact:
    return Fact(by, ref(number), event_of(body), START, START, body)


def booked(meeting: int, sequence: int = 0, replaces: int | None = None) -> MeetingBooked:
    return MeetingBooked(
        referral_id=REFERRAL,
        locality=LOCALITY,
        meeting_id=ref(meeting),
        sequence=sequence,
        replaces=ref(replaces) if replaces else None,
        link_worker="lw-meir-1",
        practice="M83100",
        starts_at=START + timedelta(days=3),
        minutes=45,
    )


def story(*bodies: EventBody) -> ReferralHistory:
    return fold_referral([fact(body, 100 + n) for n, body in enumerate(bodies)], TABLE)


CREATED = created(LOCALITY, REFERRAL)


@given(journeys(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_tell_the_same_story(facts: list[Fact], random: Any) -> None:
    told = fold_referral(facts, TABLE)
    shuffled = facts + random.choices(facts, k=len(facts) // 2)
    # A service keeps one fact for each key, so repeats are dropped before they are folded.
    random.shuffle(shuffled)
    kept = list({f.key: f for f in shuffled}.values())
    assert fold_referral(kept, TABLE) == told
    assert stage_of(fold_referral(kept, TABLE)) == stage_of(told)


@given(journeys())
def test_what_must_hold_of_every_story(facts: list[Fact]) -> None:
    told = fold_referral(facts, TABLE)
    standing = [m for m in told.meetings if m.status == "booked"]
    assert told.active is None if not standing else told.active == standing[-1]
    assert not (told.open and told.endings)
    assert {m.booked.meeting_id for m in told.meetings} >= {
        m.booked.meeting_id for m in (*told.attended, *told.missed)
    }
    for prescription in told.prescriptions:
        assert prescription.started_on is None or prescription.barrier is None


@given(journeys(most=20), st.data())
def test_a_retracted_fact_is_never_said_whichever_comes_first(facts: list[Fact], data: st.DataObject) -> None:
    # Of meetings and creations it still counts that they were ever said: see the next test.
    sayable = [f for f in facts if parts_of(f.kind) and f.kind not in (*EVER_SAID, "retracted")]
    if not sayable:
        return
    gone = data.draw(st.sampled_from(sayable))
    undo = retraction(gone, source(LOCALITY, parts_of(gone.kind)[0]))
    without = fold_referral([f for f in facts if f is not gone] + [undo], TABLE)
    assert fold_referral([*facts, undo], TABLE) == fold_referral([undo, *facts], TABLE)
    assert _told(fold_referral([*facts, undo], TABLE)) == _told(without)


@given(st.one_of(journeys(most=20), contested()), st.data())
def test_retracted_creation_or_meeting_no_longer_stands(facts: list[Fact], data: st.DataObject) -> None:
    said = [f for f in facts if f.kind in EVER_SAID]
    if not said:
        return
    gone = data.draw(st.sampled_from(said))
    undo = retraction(gone, source(LOCALITY, parts_of(gone.kind)[0]))
    told = fold_referral([undo, *facts], TABLE)
    assert fold_referral([*facts, undo], TABLE) == told
    assert told.created_said != gone
    assert gone not in [meeting.said for meeting in told.meetings]


@given(st.one_of(journeys(most=20), contested()))
def test_unknown_source_makes_nothing_vanish_and_permits_nothing(facts: list[Fact]) -> None:
    strangers = ("/meir/partner", "/meir/neighbour")
    loud = [f for f in facts if f.kind in (*GUARDED, "retracted") and f.source in strangers]
    told, without = (fold_referral(each, TABLE) for each in (facts, [f for f in facts if f not in loud]))
    assert told.erased == without.erased
    assert told.link_worker == without.link_worker
    assert told.endings == without.endings
    assert told.meetings == without.meetings
    assert told.created == without.created
    for agreed, before in ((told.details_to_gp, without.details_to_gp), (told.follow_up, without.follow_up)):
        assert agreed is not v.Agreed.YES or before is v.Agreed.YES
    for one, other in zip(told.prescriptions, without.prescriptions, strict=True):
        assert one.may_share is not v.Agreed.YES or other.may_share is v.Agreed.YES
    assert told.contact is not v.SafeToText.YES or without.contact is v.SafeToText.YES


@given(st.one_of(journeys(), contested()))
def test_log_with_the_source_of_before_folds_to_an_equal_state(facts: list[Fact]) -> None:
    before = [f for f in facts if f.source not in map(partial(source, LOCALITY), MATCHING_PARTS)]
    for kept, renamed in zip(before, by_part(before), strict=True):
        assert kept.source in (renamed.source, MATCHING)
    old, new = (
        json.dumps(state_of(fold_referral(each, TABLE), ALL_SECTIONS)) for each in (before, by_part(before))
    )
    for part in MATCHING_PARTS:
        new = new.replace(f'"{source(LOCALITY, part)}"', f'"{MATCHING}"')
    assert new == old


def by_part(facts: list[Fact]) -> list[Fact]:
    """The same facts as they are said now: matching's, each from the source of its part."""
    named = {f.key: _named(f, facts) for f in facts}

    def renamed(f: Fact) -> Fact:
        body = f.body
        if isinstance(body, o.Retracted):
            target = (body.event_source, body.event_id)
            body = body.model_copy(update={"event_source": named.get(FactKey(*target), target[0])})
        elif isinstance(body, o.ReferralReopened):
            target = (body.ends_source, body.ends_id)
            body = body.model_copy(update={"ends_source": named.get(FactKey(*target), target[0])})
        return replace(f, source=named[f.key], body=body)

    return [renamed(f) for f in facts]


def _named(f: Fact, facts: list[Fact]) -> str:
    if f.source != MATCHING:
        return f.source
    kind = f.kind
    if isinstance(f.body, o.Retracted):
        target = FactKey(f.body.event_source, f.body.event_id)
        kind = next((each.kind for each in facts if each.key == target), "")
    part = next((part for part in parts_of(kind) if part in MATCHING_PARTS), None)
    return MATCHING if part is None or kind == "retracted" else source(LOCALITY, part)


def retraction(gone: Fact, by: str) -> Fact:
    body = about(o.Retracted, event_source=gone.source, event_id=gone.id, reason=v.RetractReason.UNDONE)
    return fact(body, 900, by)


def _told(of: ReferralHistory) -> tuple[object, ...]:
    """All but when something was last heard, which a retracted fact may still say."""
    return (
        of.created,
        of.meetings,
        of.prescriptions,
        of.endings,
        of.plan,
        of.next_step,
        of.contacts,
        of.unmet,
    )


def test_attended_beats_missed_beats_cancelled() -> None:
    missed = about(o.MeetingMissed, meeting_id=ref(10))
    attended = about(o.MeetingAttended, meeting_id=ref(10))
    cancelled = about(o.MeetingCancelled, meeting_id=ref(10), by=v.By.PERSON, why=v.CancelReason.OTHER)
    assert story(CREATED, booked(10), attended, missed, cancelled).meetings[0].status == "attended"
    assert story(CREATED, booked(10), cancelled, missed).meetings[0].status == "missed"


def test_active_meeting_is_the_highest_not_undone() -> None:
    cancelled = about(o.MeetingCancelled, meeting_id=ref(11), by=v.By.PERSON, why=v.CancelReason.OTHER)
    told = story(CREATED, booked(10), booked(11, 1, replaces=10))
    assert told.active is not None
    assert told.active.booked.meeting_id == ref(11)
    # A meeting that was replaced does not come back when its successor is cancelled.
    assert story(CREATED, booked(10), booked(11, 1, replaces=10), cancelled).active is None


def test_of_two_bookings_of_one_turn_the_higher_source_stands() -> None:
    partner, ours = fact(booked(11), 101, "/meir/partner"), fact(booked(10), 100)
    told = fold_referral([fact(CREATED, 99), partner, ours], TABLE)
    assert told.active is not None
    assert told.active.booked.meeting_id == ref(10)


def test_same_meeting_of_two_sources_the_higher_one_stands() -> None:
    """Independent of their ids, which tell when each was published."""
    ours = fact(booked(10), 100)
    theirs = fact(booked(10).model_copy(update={"link_worker": "lw-partner-1"}), 101, "/meir/partner")
    for facts in ([ours, theirs], [theirs, ours]):
        told = fold_referral([fact(CREATED, 99), *facts], TABLE)
        assert [meeting.booked.link_worker for meeting in told.meetings] == ["lw-meir-1"]


def test_who_agreed_to_a_time_has_agreed_whoever_says_so() -> None:
    """A link worker rings somebody about a partner's meeting; or the clock of who rang was behind."""
    asked = booked(10).model_copy(update={"provisional": True})
    yes = booked(10)
    for first, second in ((100, 101), (101, 100)):
        for theirs, ours in (("/meir/matching", "/meir/partner"), ("/meir/partner", "/meir/matching")):
            told = fold_referral(
                [fact(CREATED, 99), fact(asked, first, theirs), fact(yes, second, ours)], TABLE
            )
            assert [meeting.booked.provisional for meeting in told.meetings] == [False]


def test_who_agreed_to_one_time_has_not_agreed_to_another() -> None:
    yes = booked(10)
    moved = yes.model_copy(update={"provisional": True, "starts_at": yes.starts_at + timedelta(days=1)})
    for first, second in ((100, 101), (101, 100)):
        told = fold_referral(
            [fact(CREATED, 99), fact(yes, first, "/meir/partner"), fact(moved, second)], TABLE
        )
        assert [meeting.booked.provisional for meeting in told.meetings] == [True]


def test_reopening_undoes_only_the_ending_that_it_names() -> None:
    closed = fact(about(o.ReferralClosed, reason=v.CloseReason.COMPLETED), 101)
    again = fact(about(o.ReferralClosed, reason=v.CloseReason.OTHER), 103)
    reopened = fact(about(o.ReferralReopened, ends_source=closed.source, ends_id=closed.id), 102)
    assert fold_referral([fact(CREATED), closed, reopened], TABLE).open
    assert stage_of(fold_referral([fact(CREATED), closed, reopened, again], TABLE)) is Stage.CLOSED


def test_no_beats_yes_until_it_is_taken_back() -> None:
    yes = about(o.SharingChanged, agreement=v.Agreement.FOLLOW_UP, agreed=v.Agreed.YES)
    no = fact(about(o.SharingChanged, agreement=v.Agreement.FOLLOW_UP, agreed=v.Agreed.NO), 150)
    back = about(o.Retracted, event_source=no.source, event_id=no.id, reason=v.RetractReason.UNDONE)
    facts = [fact(CREATED), no, fact(yes, 151)]
    assert fold_referral(facts, TABLE).follow_up is v.Agreed.NO
    assert fold_referral([*facts, fact(back, 152)], TABLE).follow_up is v.Agreed.YES


def test_the_stages_of_a_journey_in_their_order() -> None:
    asked = about(o.ServicePrescribed, prescription_id=ref(20), service_id=ref(30), need=v.Need.DEBT)
    there = about(o.ActivityStarted, prescription_id=ref(20), on=START.date())
    attended = about(o.MeetingAttended, meeting_id=ref(10))
    steps = [CREATED, booked(10), attended, asked, there]
    stages = [stage_of(story(*steps[: n + 1])) for n in range(len(steps))]
    assert stages == [Stage.WAITING, Stage.BOOKED, Stage.MET, Stage.PRESCRIBED, Stage.STARTED]
    assert stage_of(story(there)) is Stage.UNKNOWN
    gone = fact(about(o.PersonErased, person_ref=ref(40)), 200, "/meir/referral")
    erased = fold_referral([*(fact(body, 100 + n) for n, body in enumerate(steps)), gone], TABLE)
    assert stage_of(erased) is Stage.ERASED
    assert stage_of(story(CREATED, booked(10), about(o.MeetingMissed, meeting_id=ref(10)))) is Stage.MISSED
