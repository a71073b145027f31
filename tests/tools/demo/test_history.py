"""The invented history: every event is one of the contract's, and the figures are believable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.history import write_history
from deploy.demo.history.days import london_day, working
from deploy.demo.link_workers import read_link_workers
from deploy.demo.services import directory_documents
from services.matching.directory.feed import read_directory
from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history import EffectiveFacts
from shared.delivery.model.facts import ReceivedEvent
from shared.platform.localities import load_localities

PROGRAMME = load_localities()
# A Sunday evening, the first day back after new year, and a moment in summer time.
LOADED_AT = [
    datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
    datetime(2027, 1, 4, 8, 0, tzinfo=UTC),
    datetime(2025, 8, 30, 23, 30, tzinfo=UTC),
]
Referrals = Mapping[str, list[Envelope]]


@pytest.fixture(scope="module", params=LOADED_AT, ids=lambda moment: moment.date().isoformat())
def loaded_at(request: pytest.FixtureRequest) -> datetime:
    moment: datetime = request.param
    return moment


@pytest.fixture(scope="module")
def history(loaded_at: datetime) -> list[Envelope]:
    return write_history(loaded_at, PROGRAMME)


@pytest.fixture(scope="module")
def referrals(history: list[Envelope]) -> Referrals:
    found: dict[str, list[Envelope]] = defaultdict(list)
    for event in history:
        found[event.body.referral_id].append(event)
    return found


def of(events: list[Envelope], *kinds: type[EventBody]) -> list[Envelope]:
    return [event for event in events if isinstance(event.body, kinds)]


def test_every_event_is_read_as_the_contract_says(history: list[Envelope]) -> None:
    for event in history:
        key = event.body.referral_id.encode()
        assert read(event.topic(), key, event.raw, event.headers()) == event


def test_every_fact_counts_unless_it_is_retracted(referrals: Referrals) -> None:
    for events in referrals.values():
        facts = [ReceivedEvent.of(event).fact for event in events]
        told = EffectiveFacts(facts, PROGRAMME)
        counted = {
            (said.source, said.id)
            for kind in set(map(type, (f.body for f in facts)))
            for _, said in told.of(kind)
        }
        assert {fact.key for fact in facts} - counted == set(told.retracted)


def test_ids_are_unique_and_the_sources_are_registered(history: list[Envelope]) -> None:
    assert len({event.id for event in history}) == len(history)
    for event in history:
        assert PROGRAMME.by_slug[event.body.locality].rank(event.source) > 0


def test_written_twice_it_is_the_same(history: list[Envelope], loaded_at: datetime) -> None:
    assert write_history(loaded_at, PROGRAMME) == history


def test_nothing_lies_in_the_future_and_it_goes_back_half_a_year(
    history: list[Envelope], loaded_at: datetime
) -> None:
    assert all(event.time <= loaded_at for event in history)
    cancelled = {event.body.meeting_id for event in history if isinstance(event.body, o.MeetingCancelled)}
    for event in history:
        if isinstance(event.body, MeetingBooked) and event.body.meeting_id not in cancelled:
            assert event.body.starts_at < loaded_at
    assert timedelta(weeks=25) < loaded_at - history[0].time < timedelta(weeks=27)


def test_every_kind_of_outcome_happens(history: list[Envelope]) -> None:
    said = {type(event.body) for event in history if isinstance(event.body, o.Outcome)}
    assert len(said) == len(o.KINDS)


def test_about_300_referrals_over_all_localities(referrals: Referrals) -> None:
    assert len(referrals) == 300
    made = Counter(
        event.body.locality
        for events in referrals.values()
        for event in events
        if isinstance(event.body, ReferralCreated)
    )
    assert set(made) == {locality.slug for locality in PROGRAMME.real}
    assert min(made.values()) >= 10


def test_38_percent_reach_a_visit_and_under_half_answer_again(referrals: Referrals) -> None:
    visited = sum(bool(of(events, o.ActivityStarted)) for events in referrals.values())
    assert 0.34 <= visited / len(referrals) <= 0.42
    stages = [
        {e.body.stage for e in of(events, o.Measured) if isinstance(e.body, o.Measured)}
        for events in referrals.values()
    ]
    before, after = sum("before" in one for one in stages), sum("after" in one for one in stages)
    assert before > 150
    # As the figures count: a follow-up is due when the case closes.
    closed = (bool(of(events, o.ReferralClosed)) for events in referrals.values())
    due = sum("before" in one and ended for one, ended in zip(stages, closed, strict=True))
    assert 0.3 <= after / due < 0.5


def test_the_longer_the_lead_the_more_do_not_come(history: list[Envelope]) -> None:
    booked = {e.body.meeting_id: e for e in history if isinstance(e.body, MeetingBooked)}
    came: Counter[int] = Counter()
    missed: Counter[int] = Counter()
    for event in history:
        if isinstance(event.body, o.MeetingAttended | o.MeetingMissed):
            meeting = booked[event.body.meeting_id]
            assert isinstance(meeting.body, MeetingBooked)
            days = (london_day(meeting.body.starts_at) - london_day(meeting.time)).days
            band = next(longest for longest in (0, 1, 7, 1000) if days <= longest)
            (missed if isinstance(event.body, o.MeetingMissed) else came)[band] += 1
    rates = [missed[band] / (came[band] + missed[band]) for band in (0, 1, 7, 1000)]
    assert rates == sorted(rates)
    assert rates[-1] > 2 * rates[1] > 0


def test_nothing_is_left_for_anyone_to_arrange(referrals: Referrals) -> None:
    endings = (o.ReferralClosed, o.ReferralDeclined, o.ReferralReturned, o.ReferralWithdrawn)
    for events in referrals.values():
        said = [event.body for event in events]
        over = {
            b.meeting_id
            for b in said
            if isinstance(b, o.MeetingAttended | o.MeetingMissed | o.MeetingCancelled)
        }
        replaced = {b.replaces for b in said if isinstance(b, MeetingBooked)}
        assert {b.meeting_id for b in said if isinstance(b, MeetingBooked)} <= over | replaced
        assert of(events, o.MeetingAttended) or of(events, *endings)


def test_link_workers_never_overlap_or_work_on_a_holiday(history: list[Envelope]) -> None:
    cancelled = {e.body.meeting_id for e in history if isinstance(e.body, o.MeetingCancelled)}
    held = [
        event.body
        for event in history
        if isinstance(event.body, MeetingBooked) and event.body.meeting_id not in cancelled
    ]
    assert len({(meeting.link_worker, meeting.starts_at) for meeting in held}) == len(held)
    assert all(working(london_day(meeting.starts_at)) for meeting in held)
    localities = {worker["id"]: worker["locality"] for worker in read_link_workers()}
    assert all(localities[meeting.link_worker] == meeting.locality for meeting in held)


def test_retraction_names_an_earlier_fact(history: list[Envelope]) -> None:
    said = {(event.source, event.id) for event in history}
    for event in history:
        if isinstance(event.body, o.Retracted):
            assert (event.body.event_source, event.body.event_id) in said
        if isinstance(event.body, o.ReferralReopened):
            assert (event.body.ends_source, event.body.ends_id) in said


def test_services_are_those_of_the_directory(history: list[Envelope], loaded_at: datetime) -> None:
    today = london_day(loaded_at)
    known = {
        service.id
        for slug, page in directory_documents(today).items()
        for service in read_directory(page, slug, today).services
        if service.offered
    }
    assert {e.body.service_id for e in history if isinstance(e.body, o.ServicePrescribed)} <= known


def test_unmet_needs_vary_and_debt_in_leek_has_no_service(history: list[Envelope]) -> None:
    unmet = [event.body for event in history if isinstance(event.body, o.NeedUnmet)]
    assert len({body.reason for body in unmet}) >= 5
    leek = {body.reason for body in unmet if body.locality == "leek-werrington" and body.need == "debt"}
    assert leek
    assert leek <= {"no_service", "too_far"}


def test_no_identity_in_any_event(history: list[Envelope]) -> None:
    names = {worker["name"].split()[-1] for worker in read_link_workers()}
    for event in history:
        text = event.raw.decode()
        assert "@" not in text
        assert "999" not in "".join(part for part in text.split('"') if part.isdecimal())
        assert not any(name in text for name in names)
